using System.Globalization;
using Pimm.Core.Allocating;
using Pimm.Core.Outcomes;
using Pimm.Core.Statistics;
using static Pimm.Core.Lift.LiftSentences;

namespace Pimm.Core.Lift;

/// <summary>Health checks: what must hold before any number of the report may decide something.</summary>
internal static class LiftChecks
{
    /// <summary>An alarm needs an adjusted p below this …</summary>
    public const double AlarmLevel = 0.001;

    /// <summary>… and a difference of at least this (0.1 percentage point of the margin) …</summary>
    public const double AlarmDifference = 0.001;

    /// <summary>… or, for counts that are rare in their margin, of at least this share of the pooled rate.</summary>
    public const double AlarmShare = 0.1;

    public static IReadOnlyList<LiftCheck> Of(LiftInput input, LiftTally tally)
    {
        var checks = new List<LiftCheck> { Split(input, tally) };
        if (input.ArmsChanged > 0)
            checks.Add(new LiftCheck("arms changed", null, true, Say(ArmsChanged, input.ArmsChanged)));
        checks.AddRange(TwoByTwos(input, tally));
        checks.AddRange(DataChecks.Of(input, tally));
        checks.AddRange(ExclusionChecks.Of(input));
        return checks;
    }

    private static LiftCheck Split(LiftInput input, LiftTally tally)
    {
        long control = tally.Control.Eligible, treatment = tally.Treatment.Eligible;
        string counts = Say(SplitCounts, control, treatment);
        if (input.SplitMethod == SplitMethod.PermutedBlocks)
            return input.BlockMismatches switch
            {
                null => new LiftCheck("split", null, true, Say(SplitUnproven, counts)),
                0 => new LiftCheck("split", null, false, Say(SplitProven, counts)),
                { } wrong => new LiftCheck("split", null, true, Say(SplitDiffers, counts, wrong)),
            };
        if (control + treatment == 0)
            return new LiftCheck("split", null, false, SplitEmpty);
        SampleRatio ratio = SampleRatio.Of([control, treatment], [1, 1]);
        bool unlikely = ratio.PValue < AlarmLevel, alarm = unlikely && Math.Abs((double)treatment / (control + treatment) - 0.5) >= AlarmDifference;
        string judged = alarm ? SplitUneven : unlikely ? SplitNearlyEven : SplitEven;
        return new LiftCheck("split", ratio.PValue, alarm, Say(SplitJudged, counts, judged, P(ratio.PValue)));
    }

    private static IEnumerable<LiftCheck> TwoByTwos(LiftInput input, LiftTally tally)
    {
        List<CountCheck> tables = [.. input.CountChecks, .. Tables(input, tally)];
        tables.RemoveAll(table => table.Control.N == 0 || table.Treatment.N == 0);
        double[] adjusted = Multiplicity.Holm(tables.Select(table => TwoByTwo.PValue(table.Control, table.Treatment)!.Value).ToArray());
        for (int i = 0; i < tables.Count; i++)
        {
            CountCheck table = tables[i];
            bool unlikely = adjusted[i] < AlarmLevel, alarm = unlikely && Matters(table.Control, table.Treatment);
            string judged = alarm ? TableUnlike : !unlikely ? TableAlike
                : Say(TableNearlyAlike, 100 * table.Control.Rate, 100 * table.Treatment.Rate);
            string name = table.Name + (table.Wave is { } wave ? $", {Say(LiftSentences.Wave, wave + 1)}" : "") + (table.Segment is { } segment ? $", {segment}" : "");
            yield return new LiftCheck(name, adjusted[i], alarm,
                Say(
                TableJudged, Say(TableCounts, table.Control.Conversions, table.Control.N, table.Treatment.Conversions, table.Treatment.N), judged, P(adjusted[i])));
        }
    }

    private static bool Matters(Proportion control, Proportion treatment)
    {
        double pooled = (control.Conversions + treatment.Conversions) / (double)(control.N + treatment.N);
        return Math.Abs(control.Rate!.Value - treatment.Rate!.Value) is var difference && (difference >= AlarmDifference || difference >= AlarmShare * pooled);
    }

    /// <summary>Deliveries by wave and segment, customers whom neither plan touches, and whoever was delivered beside the plans.</summary>
    private static IEnumerable<CountCheck> Tables(LiftInput input, LiftTally tally)
    {
        if (input.HasDeliveryReport)
            for (int w = 0; w < input.Waves.Count; w++)
                yield return new CountCheck("exported and delivered", new Proportion(tally.Control.Waves[w].Exported.N, tally.Control.Waves[w].Delivered),
                    new Proportion(tally.Treatment.Waves[w].Exported.N, tally.Treatment.Waves[w].Delivered), w);
        foreach (SegmentColumn column in input.Segments)
            foreach (CountCheck check in OfSegment(column, input, tally))
                yield return check;
        if (input.Anomalies is { } anomalies)
            foreach (CountCheck check in OfAnomalies(anomalies, tally))
                yield return check;
        if (input.HasCustomerOutcomes)
            yield return new CountCheck("reached by neither plan", new Proportion(tally.Control.Untouched, tally.Control.UntouchedConversions),
                new Proportion(tally.Treatment.Untouched, tally.Treatment.UntouchedConversions));
    }

    private static IEnumerable<CountCheck> OfAnomalies(DeliveryAnomalies found, LiftTally tally)
    {
        yield return Beside("delivered but not exported", found.NotExportedControl, found.NotExportedTreatment);
        yield return Beside("reached by another campaign too", found.OtherCampaignControl, found.OtherCampaignTreatment);
        yield return Beside("in both arms", found.BothArmsControl, found.BothArmsTreatment);

        // A customer may have several stray deliveries: the table counts customers, at most all of them.
        CountCheck Beside(string name, long control, long treatment) => new(name,
            new Proportion(tally.Control.Eligible, Math.Min(control, tally.Control.Eligible)),
            new Proportion(tally.Treatment.Eligible, Math.Min(treatment, tally.Treatment.Eligible)));
    }

    private static IEnumerable<CountCheck> OfSegment(SegmentColumn column, LiftInput input, LiftTally tally)
    {
        LevelTally[] levels = SegmentEffects.Count(column, input, tally);
        for (int level = 0; level < levels.Length; level++)
        {
            string segment = $"{column.Attribute} {column.Levels[level]}";
            yield return new CountCheck("eligible", new Proportion(tally.Control.Eligible, levels[level].Control.N),
                new Proportion(tally.Treatment.Eligible, levels[level].Treatment.N), Segment: segment);
            if (input.HasDeliveryReport)
                yield return new CountCheck("delivered of the exported", levels[level].ControlDelivered, levels[level].TreatmentDelivered, Segment: segment);
        }
    }

    private static string P(double p) => p < 0.0001 ? "< 0.0001" : "= " + p.ToString("0.####", CultureInfo.InvariantCulture);
}
