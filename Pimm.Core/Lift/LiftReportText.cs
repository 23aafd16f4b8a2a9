using static Pimm.Core.Lift.LiftText;

namespace Pimm.Core.Lift;

/// <summary>The lift report as plain text, at most 110 columns wide, for a terminal or a mail.</summary>
public static class LiftReportText
{
    public static string Render(LiftReport report)
    {
        var text = new LiftText();
        Header(text, report);
        Checks(text, report);
        foreach (LiftNumber number in report.Numbers)
            One(text, number);
        Sequential(text, report.Sequential);
        LiftSectionsText.Guardrails(text, report.Guardrails ?? []);
        LiftSectionsText.Divergence(text, report.Divergence);
        Funnel(text, report);
        LiftSectionsText.Stages(text, report.Stages ?? []);
        LiftSectionsText.Amount(text, report.Amount);
        Waves(text, report);
        LiftSectionsText.Days(text, report.Days);
        LiftSectionsText.Segments(text, report.Segments ?? []);
        LiftSectionsText.Exclusions(text, report.Exclusions ?? []);
        if (report.Truth is { } truth)
            Truth(text, truth);
        LiftSectionsText.Origin(text, report);
        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static void Header(LiftText text, LiftReport report)
    {
        text.Line($"Lift report: {report.Campaign}{(report.Simulated ? " (simulated)" : "")}");
        string windows = report.Windows.Closes is not { } closes ? "no wave yet"
            : report.Windows.Closed ? $"window closed {Time(closes)}" : $"window open until {Time(closes)}";
        text.Line($"As of {Time(report.AsOf)} UTC, {windows}, intervals at {Number(100 * report.Confidence)} %");
        text.Line();
        text.Wrapped(report.Verdict?.Sentence ?? "No verdict yet: it is given when the window has closed.", "");
        text.Line();
    }

    private static void Checks(LiftText text, LiftReport report)
    {
        text.Line("Health checks");
        foreach (LiftCheck check in report.Checks.Where(check => check.Alarm || !OfPart(check)))
            text.Wrapped($"{check.Name}: {check.Sentence}", check.Alarm ? "  ALARM " : "  ok    ");
        LiftCheck[] folded = report.Checks.Where(check => !check.Alarm && OfPart(check)).ToArray();
        if (folded.Length > 0)
            text.Line($"  ok    {folded.Length} checks of single waves and segments, the smallest Holm p {Number(folded.Min(check => check.PValue), 4)}");
        text.Line();

        static bool OfPart(LiftCheck check) => check.Name.Contains(',');
    }

    internal static void One(LiftText text, LiftNumber number)
    {
        string unit = number.Unit is "relative" or "ratio" ? "" : $" {number.Unit}";
        text.Line(number.Name);
        if (number.Estimate is null && number.Lower is null)
            text.Wrapped($"not available: {number.Note}", "  ");
        else
            text.Line($"  {Value(number.Estimate, number.Unit)}{unit}, {Interval(number.Lower, number.Upper, number.Unit)} ({number.Method})");
        if (number.AlwaysValid is { } always)
            text.Wrapped(always.Lower is null && always.Upper is null ? $"valid at every look: {always.Note}" : $"valid at every look: {Interval(always.Lower, always.Upper, number.Unit)}", "  ");
        if (number.Adjusted is { } adjusted)
            text.Wrapped($"adjusted {Value(adjusted.Estimate, number.Unit)}, {Interval(adjusted.Lower, adjusted.Upper, number.Unit)}. {adjusted.Changed}", "  ");
        if (number.Note is { } note && number.Lower is not null)
            text.Wrapped(note, "  ");
        text.Wrapped($"{number.Shows} {number.CannotShow}", "  ");
        text.Line();
    }

    private static void Sequential(LiftText text, LiftSequential sequential)
    {
        text.Line("Sequential bounds of the eligible lift, valid at every look");
        text.Line($"  {Count(sequential.ControlConversions)} conversions in the control, {Count(sequential.TreatmentConversions)} in the treatment");
        text.Wrapped(sequential.Note ?? $"{Interval(sequential.Lower, sequential.Upper, "relative")}, E = {Number(sequential.EValue)}, {(sequential.Reject == true ? "the arms differ" : "not yet decided")}", "  ");
        text.Line();
    }

    private static void Waves(LiftText text, LiftReport report)
    {
        text.Line("Waves                                  control                               treatment");
        text.Line("         date   window  exported  held  conv/exp  conv/held   exported  held  conv/exp  conv/held");
        foreach (LiftWaveWindow wave in report.Windows.Waves)
            text.Line($"  {wave.Wave,2} {Day(wave.Date)}   {(wave.Closed ? "closed" : "open  ")}{Arm(wave.Control)} {Arm(wave.Treatment)}");
        text.Line("  The quality of the audience falls from wave to wave by construction: a trend here is no trend of the effect.");
        text.Line();

        static string Arm(LiftWaveArm arm) => $"{arm.Exported,10}{arm.HeldBack,6}{arm.ExportedConversions,10}{arm.HeldBackConversions,11}";
    }

    private static void Funnel(LiftText text, LiftReport report)
    {
        text.Line("Funnel                       control            treatment");
        foreach (LiftFunnelStage stage in report.Funnel)
            text.Line($"  {Fit(stage.Stage, 22)}{Count(stage.Control),10} {Share(stage.ControlShare),-9}{Count(stage.Treatment),10} {Share(stage.TreatmentShare)}");
        text.Line();
    }

    private static void Truth(LiftText text, IReadOnlyList<LiftTruthRow> rows)
    {
        text.Line("Simulated truth                                     true   estimate   interval");
        foreach (LiftTruthRow row in rows.Where(row => row.Truth is not null))
            text.Line($"  {row.Name,-46}{Value(row.Truth, row.Unit),9}{Value(row.Estimate, row.Unit),11}   {Interval(row.Lower, row.Upper, row.Unit)}"
                + (row.Covered switch { true => "", false => ", misses it", null => "" }));
        text.Line();
    }
}
