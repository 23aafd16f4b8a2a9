using System.Globalization;
using Pimm.Core.Allocating;
using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>Health checks: what must hold before any number of the report may decide something.</summary>
internal static class LiftChecks
{
    /// <summary>An alarm needs an adjusted p below this …</summary>
    public const double AlarmLevel = 0.001;

    /// <summary>… and a difference of at least this (0.1 percentage point).</summary>
    public const double AlarmDifference = 0.001;

    private static readonly TimeSpan Stale = TimeSpan.FromHours(48);

    public static IReadOnlyList<LiftCheck> Of(LiftInput input, LiftTally tally)
    {
        var checks = new List<LiftCheck> { Split(input, tally) };
        if (input.ArmsChanged > 0)
            checks.Add(new LiftCheck("arms changed", null, true, $"{input.ArmsChanged} customers' stored arms were changed after the split."));
        checks.AddRange(TwoByTwos(input, tally));
        checks.Add(Quota(input, tally));
        if (Freshness(input, tally) is { } freshness)
            checks.Add(freshness);
        return checks;
    }

    private static LiftCheck Split(LiftInput input, LiftTally tally)
    {
        long control = tally.Control.Eligible, treatment = tally.Treatment.Eligible;
        string counts = Text($"{control:N0} eligible customers in the control, {treatment:N0} in the treatment");
        if (input.SplitMethod == SplitMethod.PermutedBlocks)
            return input.BlockMismatches switch
            {
                null => new LiftCheck("split", null, true, $"{counts}; the blocks were not recomputed from their seed, so the split is unproven."),
                0 => new LiftCheck("split", null, false, $"{counts}; every arm equals the one recomputed from the stored seed."),
                { } wrong => new LiftCheck("split", null, true, $"{counts}; {wrong:N0} arms differ from those recomputed from the stored seed."),
            };
        if (control + treatment == 0)
            return new LiftCheck("split", null, false, "There are no eligible customers yet.");
        SampleRatio ratio = SampleRatio.Of([control, treatment], [1, 1]);
        bool alarm = ratio.PValue < AlarmLevel && Math.Abs((double)treatment / (control + treatment) - 0.5) >= AlarmDifference;
        return new LiftCheck("split", ratio.PValue, alarm, $"{counts}; {(alarm ? "a 50/50 split does not give that" : "as a 50/50 split gives")} (p = {P(ratio.PValue)}).");
    }

    private static IEnumerable<LiftCheck> TwoByTwos(LiftInput input, LiftTally tally)
    {
        List<CountCheck> tables = input.CountChecks.ToList();
        if (input.HasDeliveryReport)
            for (int w = 0; w < input.Waves.Count; w++)
                tables.Add(new CountCheck("exported and delivered", new Proportion(tally.Control.Eligible, tally.Control.Waves[w].Delivered),
                    new Proportion(tally.Treatment.Eligible, tally.Treatment.Waves[w].Delivered), w));
        tables.RemoveAll(table => table.Control.N == 0 || table.Treatment.N == 0);
        double[] adjusted = Multiplicity.Holm(tables.Select(table => TwoByTwo.PValue(table.Control, table.Treatment)!.Value).ToArray());
        for (int i = 0; i < tables.Count; i++)
        {
            CountCheck table = tables[i];
            bool alarm = adjusted[i] < AlarmLevel && Math.Abs(table.Control.Rate!.Value - table.Treatment.Rate!.Value) >= AlarmDifference;
            string name = table.Name + (table.Wave is { } wave ? $", wave {wave + 1}" : "") + (table.Segment is { } segment ? $", {segment}" : "");
            yield return new LiftCheck(name, adjusted[i], alarm,
                Text($"{table.Control.Conversions:N0} of {table.Control.N:N0} assigned in the control, {table.Treatment.Conversions:N0} of {table.Treatment.N:N0} in the treatment")
                + $"; {(alarm ? "chance does not explain this" : "alike")} (Holm p = {P(adjusted[i])}).");
        }
    }

    private static LiftCheck Quota(LiftInput input, LiftTally tally)
    {
        int[] unequal = Waves(input, w => tally.Control.Waves[w].Exported.N != tally.Treatment.Waves[w].Exported.N);
        if (unequal.Length > 0)
            return new LiftCheck("impressions", null, true, $"The arms' impressions differ in wave {string.Join(", ", unequal)}: equal impressions are what makes the arms comparable.");
        int[] unfilled = Waves(input, w => input.Waves[w].Impressions < input.Waves[w].Requested);
        return new LiftCheck("impressions", null, false, unfilled.Length == 0
            ? "Both arms were given the same number of impressions in every wave, as many as planned."
            : $"Both arms were given the same number of impressions; fewer than planned in wave {string.Join(", ", unfilled)}.");
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

    private static int[] Waves(LiftInput input, Func<int, bool> which) =>
        Enumerable.Range(0, input.Waves.Count).Where(which).Select(w => w + 1).ToArray();

    private static string P(double p) => p < 0.0001 ? "below 0.0001" : p.ToString("0.####", CultureInfo.InvariantCulture);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
