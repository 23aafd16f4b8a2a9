using System.Globalization;
using Pimm.Core.Allocating;
using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>Health checks of what was given out and what came back: impressions, deliveries, outcomes, and whether the arms' customers are alike.</summary>
internal static class DataChecks
{
    /// <summary>Fewer of the planned impressions than this share: another dose than the one that was planned for.</summary>
    public const double LeastFilled = 0.9;

    /// <summary>Standardised differences beyond this are large (Austin 2009); an alarm needs chance excluded too.</summary>
    public const double LargeDifference = 0.1;

    private static readonly TimeSpan Stale = TimeSpan.FromHours(48);

    public static IEnumerable<LiftCheck> Of(LiftInput input, LiftTally tally)
    {
        yield return Quota(input, tally);
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
            return new LiftCheck("impressions", null, true, $"The arms' impressions differ in wave {string.Join(", ", unequal)}: equal impressions are what makes the arms comparable.");
        int[] unfilled = Waves(input, w => input.Waves[w].Impressions < input.Waves[w].Requested);
        if (unfilled.Length == 0)
            return new LiftCheck("impressions", null, false, "Both arms were given the same number of impressions in every wave, as many as planned.");
        double filled = input.Waves.Sum(wave => (double)wave.Impressions) / input.Waves.Sum(wave => (double)wave.Requested);
        string sentence = Text($"Both arms were given the same number of impressions; fewer than planned in wave {string.Join(", ", unfilled)}: {100 * filled:0.#} % in all");
        return new LiftCheck("impressions", null, filled < LeastFilled, filled < LeastFilled
            ? Text($"{sentence}, and a campaign below {100 * LeastFilled:0} % is not the one that was planned.") : $"{sentence}.");

        ArmCounts LeftOut(int wave) => wave < input.ExportsLeftOut.Count ? input.ExportsLeftOut[wave] : default;
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
        return new LiftCheck("balance", p, alarm, Text($"Of {all.Length} covariates the arms differ most in {largest.Name}, by {largest.Difference:0.000} standard deviations; {(alarm ? "beyond 0.1, and chance does not explain it" : "alike")}."));

        static IEnumerable<CovariateDifference> Named(string name, double? difference) => difference is { } value ? [new CovariateDifference(name, value)] : [];
    }

    private static LiftCheck? Freshness(LiftInput input, LiftTally tally)
    {
        if (input.NewestOutcome is not { } newest || tally.Closes is not { } closes)
            return null;
        if (closes <= input.AsOf && input.OutcomesReceived < closes)
            return new LiftCheck("freshness", null, true, Text($"Outcomes were last taken in at {input.OutcomesReceived:yyyy-MM-dd HH:mm} UTC, before the last window closed at {closes:yyyy-MM-dd HH:mm}: import the files since then."));
        TimeSpan silence = (input.AsOf < closes ? input.AsOf : closes) - newest;
        string age = Text($"The newest outcome is {Math.Max(0, silence.TotalHours):0} hours older than the time this counts to");
        return new LiftCheck("freshness", null, false, silence > Stale ? $"{age}: ask whether a file is missing." : $"{age}.");
    }

    /// <summary>A wave without one delivery beside waves that have them: its file has not come.</summary>
    private static LiftCheck? MissingDeliveries(LiftInput input, LiftTally tally)
    {
        if (!input.HasDeliveryReport)
            return null;
        int[] missing = Waves(input, w => input.Waves[w].Start + Stale <= input.AsOf && tally.Control.Waves[w].Exported.N > 0
            && tally.Control.Waves[w].Delivered + tally.Treatment.Waves[w].Delivered == 0);
        return new LiftCheck("deliveries", null, missing.Length > 0, missing.Length == 0
            ? "Deliveries were reported for every wave." : $"No delivery was reported for wave {string.Join(", ", missing)}: import the channel's file.");
    }

    private static int[] Waves(LiftInput input, Func<int, bool> which) =>
        Enumerable.Range(0, input.Waves.Count).Where(which).Select(w => w + 1).ToArray();

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
