using System.Globalization;
using static Pimm.Core.Lift.LiftText;

namespace Pimm.Core.Lift;

/// <summary>The parts of the text that break the numbers down or say what else is known; a part that a report lacks is left out.</summary>
internal static class LiftSectionsText
{
    private const int AllDays = 14;

    public static void Guardrails(LiftText text, IReadOnlyList<LiftGuardrail> guardrails)
    {
        if (guardrails.Count == 0)
            return;
        text.Line("Guardrails, one-sided: held, broken or open");
        foreach (LiftGuardrail guardrail in guardrails)
            text.Wrapped($"{guardrail.Sentence} ({guardrail.Method})", $"  {guardrail.State.ToUpperInvariant(),-7}");
        text.Line();
    }

    public static void Divergence(LiftText text, LiftDivergence? divergence)
    {
        if (divergence is null)
            return;
        text.Line("Whom the arms' impressions reached");
        text.Wrapped(divergence.Sentence, "  ");
        text.Line();
    }

    public static void Stages(LiftText text, IReadOnlyList<LiftStage> stages)
    {
        if (stages.Count == 0)
            return;
        text.Line("Stages of the exported, chosen after assignment like delivered lift, never adjusted");
        text.Line($"  {"",-30}{"control",10}{"treatment",11}   relative lift");
        foreach (LiftStage stage in stages)
            text.Line($"  {Fit(stage.Stage, 30)}{Share(stage.ControlRate),10}{Share(stage.TreatmentRate),11}   {Relative(stage.Lift)}");
        text.Line();

        static string Relative(LiftInterval lift) => lift.Estimate is null && lift.Lower is null ? $"n/a: {lift.Note}"
            : $"{Value(lift.Estimate, "relative")}, {Interval(lift.Lower, lift.Upper, "relative")} ({lift.Method})";
    }

    public static void Amount(LiftText text, LiftAmount? amount)
    {
        if (amount is null)
            return;
        if (amount.Numbers.Count == 0)
        {
            text.Line("Amount");
            text.Wrapped(amount.Note ?? "", "  ");
            text.Line();
            return;
        }
        text.Line($"Amount per eligible customer: {Value(amount.ControlMean, "")} in the control, {Value(amount.TreatmentMean, "")} in the treatment");
        if (amount.Note is { } note)
            text.Wrapped(note, "  ");
        text.Line();
        foreach (LiftNumber number in amount.Numbers)
            LiftReportText.One(text, number);
    }

    /// <summary>More days than fit a screen: the first fourteen, then one a week, and the last.</summary>
    public static void Days(LiftText text, LiftDays? days)
    {
        if (days is null || days.Days.Count == 0)
            return;
        text.Line($"Days in {days.TimeZone}: conversions of the eligible on the day, and since the start with the headline so far");
        text.Line("  date        control  treatment impressions  control  treatment  headline  interval         at every look");
        for (int d = 0; d < days.Days.Count; d++)
            if (d < AllDays || (d - AllDays) % 7 == 6 || d == days.Days.Count - 1)
                text.Line(Row(days.Days[d]));
        text.Wrapped(days.Note, "  ");
        text.Line();

        static string Row(LiftDay day) => string.Create(CultureInfo.InvariantCulture,
            $"  {Day(day.Date)}{day.ControlOnDay,9}{day.TreatmentOnDay,11}{day.Impressions,12:N0}{day.Control,9}{day.Treatment,11}{Value(day.Estimate, ""),10}  {Bounds(day.Lower, day.Upper),-17}{Bounds(day.AlwaysLower, day.AlwaysUpper)}");
        static string Bounds(double? lower, double? upper) => lower is null ? "" : $"{Short(lower)} to {Short(upper)}";
        static string Short(double? value) => value?.ToString(Math.Abs(value.Value) < 1_000 ? "0.0" : "0", CultureInfo.InvariantCulture) ?? "n/a";
    }

    public static void Segments(LiftText text, IReadOnlyList<LiftSegment> segments)
    {
        if (segments.Count == 0)
            return;
        text.Line("Segments: part of the headline, and the difference per 1,000 of their own eligible customers");
        foreach (LiftSegment segment in segments)
        {
            text.Line($"  {segment.Attribute}");
            text.Line($"    {"",-20}{"eligible",10}{"conv. C",9}{"conv. T",9}{"part",8}{"diff.",8}  {"interval",-18}  p, Holm");
            foreach (LiftSegmentLevel level in segment.Levels)
                text.Line(Row(level));
            text.Wrapped(segment.Heterogeneity is null ? segment.Note ?? "" : string.Create(CultureInfo.InvariantCulture,
                $"Do the levels differ from each other? Cochran's Q {segment.Heterogeneity:0.00}, {segment.Degrees} degrees of freedom, p = {segment.PValue:0.####}"), "    ");
        }
        text.Wrapped("p is adjusted over all levels shown. A level that stands out among many is a question for the next campaign, not an answer.", "  ");
        text.Line();

        static string Row(LiftSegmentLevel level) => string.Create(CultureInfo.InvariantCulture,
            $"    {Fit(level.Level, 20)}{level.ControlEligible + level.TreatmentEligible,10:N0}{level.ControlConversions,9:N0}{level.TreatmentConversions,9:N0}{Value(level.Extra.Estimate, ""),8}{Value(level.Difference.Estimate, ""),8}  {Bounds(level.Difference),-18}  {(level.PHolm is { } p ? p.ToString("0.####", CultureInfo.InvariantCulture) : "n/a")}{(level.Note is null ? "" : " (few)")}");
        static string Bounds(LiftInterval interval) => Interval(interval.Lower, interval.Upper, "");
    }

    public static void Exclusions(LiftText text, IReadOnlyList<LiftExclusion> exclusions)
    {
        if (exclusions.Count == 0)
            return;
        text.Line("Left out and counted");
        foreach (LiftExclusion exclusion in exclusions)
            text.Wrapped(exclusion.Sentence, "  ");
        text.Line();
    }

    public static void Origin(LiftText text, LiftReport report)
    {
        if (report.Changes is { } changes)
        {
            text.Line($"Since version {changes.Since} of {Time(changes.AsOf)} UTC");
            if (changes.Rows is { } rows && changes.Files is { } files)
                text.Line($"  {Count(rows)} outcomes taken in from {Count(files)} {(files == 1 ? "file or batch" : "files and batches")}");
            foreach (LiftChange change in changes.Numbers)
                text.Line($"  {Fit(change.Name, 46)}{Value(change.Before, change.Unit),12} → {Value(change.Now, change.Unit)}");
            foreach (string sentence in changes.Sentences)
                text.Wrapped(sentence, "  ");
            if (changes.Numbers.Count == 0 && changes.Sentences.Count == 0)
                text.Line("  No number and no check changed.");
            text.Line();
        }
        if (report.Origin is { } origin)
            text.Line($"Version {origin.Version}{(origin.RunId is { } run ? $", run {run}" : "")}{(origin.AskedBy is { } who ? $", asked for by {who}" : "")}, code {origin.CodeVersion}");
    }
}
