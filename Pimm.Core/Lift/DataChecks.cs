using Pimm.Core.Allocating;
using Pimm.Core.Statistics;
using static System.FormattableString;
using static Pimm.Core.Lift.LiftSentences;

namespace Pimm.Core.Lift;

/// <summary>Health checks of what was given out and what came back: impressions, deliveries, outcomes, and whether the arms' customers are alike.</summary>
internal static class DataChecks
{
    /// <summary>Fewer of the planned impressions than this share: another dose than the one that was planned for.</summary>
    public const double LeastFilled = 0.9;

    /// <summary>Standardised differences beyond this are large (Austin 2009); an alarm needs chance excluded too.</summary>
    public const double LargeDifference = 0.1;

    /// <summary>Leaving out this share of the eligible leaves a population that is no longer the one that was planned for.</summary>
    public const double MostLeftOut = 0.01;

    private static readonly TimeSpan Stale = TimeSpan.FromHours(48);

    public static IEnumerable<LiftCheck> Of(LiftInput input, LiftTally tally)
    {
        yield return Quota(input, tally);
        if (LeftOut(input) is { } leftOut)
            yield return leftOut;
        if (Balance(input) is { } balance)
            yield return balance;
        if (Freshness(input, tally) is { } freshness)
            yield return freshness;
        if (MissingDeliveries(input, tally) is { } deliveries)
            yield return deliveries;
    }

    private static LiftCheck Quota(LiftInput input, LiftTally tally)
    {
        ArmCounts[] exported = Enumerable.Range(0, input.Waves.Count).Select(w => LeftOut(w) is var (c, t)
            ? new ArmCounts(tally.Control.Waves[w].Exported.N + c, tally.Treatment.Waves[w].Exported.N + t) : default).ToArray();
        int[] unequal = Waves(input, w => exported[w].Control != exported[w].Treatment);
        if (unequal.Length > 0)
            return new LiftCheck("impressions", null, true, Say(Unequal, string.Join(", ", unequal)));
        int[] unfilled = Waves(input, w => input.Waves[w].Impressions < input.Waves[w].Requested);
        if (unfilled.Length == 0)
            return new LiftCheck("impressions", null, false, Filled);
        double filled = input.Waves.Sum(wave => (double)wave.Impressions) / input.Waves.Sum(wave => (double)wave.Requested);
        return new LiftCheck("impressions", null, filled < LeastFilled, Say(filled < LeastFilled ? MuchUnfilled : Unfilled, string.Join(", ", unfilled), 100 * filled, 100 * LeastFilled));

        ArmCounts LeftOut(int wave) => wave < input.ExportsLeftOut.Count ? input.ExportsLeftOut[wave] : default;
    }

    private static LiftCheck? LeftOut(LiftInput input)
    {
        long leftOut = input.InBothArms.Control + input.InBothArms.Treatment;
        if (leftOut == 0)
            return null;
        double share = leftOut / (double)(leftOut + input.Customers.Count);
        return new LiftCheck("left out", null, share >= MostLeftOut, Say(LiftSentences.LeftOut, leftOut, 100 * share, share >= MostLeftOut ? LeftOutMany : LeftOutFew));
    }

    private static LiftCheck? Balance(LiftInput input)
    {
        bool[] treated = input.Customers.Select(customer => customer.Arm == Arm.Treatment).ToArray();
        double[][] scores = [input.Customers.Select(c => c.ControlScore).ToArray(), input.Customers.Select(c => c.TreatmentScore).ToArray()];
        IReadOnlyList<double?> ofScores = Statistics.Balance.Of(scores, treated).StandardisedDifferences;
        CovariateDifference[] all = [.. Named("control-score", ofScores[0]), .. Named("treatment-score", ofScores[1]), .. input.Covariates];
        if (all.Length == 0)
            return null;
        long treatments = treated.LongCount(treatment => treatment), controls = treated.Length - treatments;
        CovariateDifference largest = all.MaxBy(covariate => Math.Abs(covariate.Difference));
        double p = Math.Min(1, all.Length * Estimate.PValue(largest.Difference / Math.Sqrt(1.0 / treatments + 1.0 / controls)));
        bool alarm = Math.Abs(largest.Difference) > LargeDifference && p < LiftChecks.AlarmLevel;
        return new LiftCheck("balance", p, alarm, Say(LiftSentences.Balance, all.Length, largest.Name, largest.Difference, alarm ? Unbalanced : TableAlike));

        static IEnumerable<CovariateDifference> Named(string name, double? difference) => difference is { } value ? [new CovariateDifference(name, value)] : [];
    }

    private static LiftCheck? Freshness(LiftInput input, LiftTally tally)
    {
        if (input.NewestOutcome is not { } newest || tally.Closes is not { } closes)
            return null;
        if (closes <= input.AsOf && input.OutcomesReceived < closes)
            return new LiftCheck("freshness", null, true, Say(TakenBefore, input.OutcomesReceived, closes));
        TimeSpan silence = (input.AsOf < closes ? input.AsOf : closes) - newest;
        (double p, double expected) = Silence(input, tally, newest, silence);
        // While a window is open, the newest file may be under way; nothing that a closed window needs may be.
        if (p < LiftChecks.AlarmLevel && (closes <= input.AsOf || silence > Stale))
            return new LiftCheck("freshness", null, true, Say(LiftSentences.Silent, newest, silence.TotalDays, expected));
        return new LiftCheck("freshness", null, false, Say(silence > Stale ? OldAge : Age, Math.Max(0, silence.TotalHours)));
    }

    /// <summary>
    /// How improbable a silence of length S is after the k conversions of a time L just before it: (L/(L + S))^k at an even rate, and
    /// how many were to be expected. The most probable of L = S, S/2 and S/4, because conversions thin out towards the end of a campaign by
    /// themselves: what has thinned out before the silence is no reason for an alarm.
    /// </summary>
    private static (double P, double Expected) Silence(LiftInput input, LiftTally tally, DateTimeOffset newest, TimeSpan silence)
    {
        (double P, double Expected) most = (0, double.PositiveInfinity);
        foreach (int part in new[] { 1, 2, 4 })
        {
            TimeSpan before = newest - input.CampaignStart < silence / part ? newest - input.CampaignStart : silence / part;
            if (before <= TimeSpan.Zero)
                return (1, 0);
            long conversions = 0;
            for (int i = 0; i < input.Customers.Count; i++)
                if (tally.Converted[i] == 1 && input.Customers[i].ConvertedAt >= newest - before && input.Customers[i].ConvertedAt < newest)
                    conversions++;
            double p = Math.Pow(before / (before + silence), conversions);
            if (p > most.P)
                most = (p, conversions * (silence / before));
        }
        return most;
    }

    /// <summary>An arm's wave without one delivery, where others' deliveries make that improbable: its file has not come.</summary>
    private static LiftCheck? MissingDeliveries(LiftInput input, LiftTally tally)
    {
        if (!input.HasDeliveryReport)
            return null;
        WaveTally[] reported = [.. tally.Control.Waves.Concat(tally.Treatment.Waves).Where(wave => wave.Delivered > 0)];
        double most = reported.Sum(wave => wave.Delivered) / (reported.Sum(wave => (double)wave.Exported.N) + 1);
        var missing = new List<string>();
        for (int w = 0; w < input.Waves.Count; w++)
            if (input.Waves[w].Start + Stale <= input.AsOf)
                switch (Silent(tally.Control.Waves[w]), Silent(tally.Treatment.Waves[w]))
                {
                    case (true, true): missing.Add(Invariant($"{w + 1}")); break;
                    case (true, false): missing.Add(Say(OfTheControl, w + 1)); break;
                    case (false, true): missing.Add(Say(OfTheTreatment, w + 1)); break;
                }
        return new LiftCheck("deliveries", null, missing.Count > 0, missing.Count == 0
            ? Delivered : Say(Undelivered, string.Join(", ", missing)));

        bool Silent(WaveTally wave) => wave.Exported.N > 0 && wave.Delivered == 0
            && (reported.Length == 0 || Math.Pow(1 - most, wave.Exported.N) < LiftChecks.AlarmLevel);
    }

    private static int[] Waves(LiftInput input, Func<int, bool> which) =>
        Enumerable.Range(0, input.Waves.Count).Where(which).Select(w => w + 1).ToArray();
}
