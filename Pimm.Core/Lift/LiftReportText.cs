using System.Globalization;
using System.Text;

namespace Pimm.Core.Lift;

/// <summary>The lift report as plain text, at most 110 columns wide, for a terminal or a mail.</summary>
public static class LiftReportText
{
    private const int Width = 110;

    public static string Render(LiftReport report)
    {
        var text = new StringBuilder();
        Header(text, report);
        Checks(text, report);
        Numbers(text, report);
        Sequential(text, report.Sequential);
        Waves(text, report);
        Funnel(text, report);
        if (report.Truth is { } truth)
            Truth(text, truth);
        return text.ToString();
    }

    private static void Header(StringBuilder text, LiftReport report)
    {
        Line(text, $"Lift report: {report.Campaign}{(report.Simulated ? " (simulated)" : "")}");
        string windows = report.Windows.Closes is not { } closes ? "no wave yet"
            : report.Windows.Closed ? $"window closed {Time(closes)}" : $"window open until {Time(closes)}";
        Line(text, $"As of {Time(report.AsOf)} UTC, {windows}, intervals at {Number(100 * report.Confidence)} %");
        Line(text, "");
        Wrapped(text, report.Verdict?.Sentence ?? "No verdict yet: it is given when the window has closed.", "");
        Line(text, "");
    }

    private static void Checks(StringBuilder text, LiftReport report)
    {
        Line(text, "Health checks");
        foreach (LiftCheck check in report.Checks)
            Wrapped(text, $"{check.Name}: {check.Sentence}", check.Alarm ? "  ALARM " : "  ok    ");
        Line(text, "");
    }

    private static void Numbers(StringBuilder text, LiftReport report)
    {
        foreach (LiftNumber number in report.Numbers)
        {
            string unit = number.Unit is "relative" or "ratio" ? "" : $" {number.Unit}";
            Line(text, number.Name);
            Line(text, number.Estimate is null && number.Lower is null
                ? $"  not available: {number.Note}"
                : $"  {Value(number.Estimate, number.Unit)}{unit}, {Interval(number.Lower, number.Upper, number.Unit)} ({number.Method})");
            if (number.Adjusted is { } adjusted)
                Wrapped(text, $"adjusted {Value(adjusted.Estimate, number.Unit)}, {Interval(adjusted.Lower, adjusted.Upper, number.Unit)}. {adjusted.Changed}", "  ");
            if (number.Note is { } note && number.Lower is not null)
                Wrapped(text, note, "  ");
            Wrapped(text, $"{number.Shows} {number.CannotShow}", "  ");
            Line(text, "");
        }
    }

    private static void Sequential(StringBuilder text, LiftSequential sequential)
    {
        Line(text, "Sequential bounds of the eligible lift, valid at every look");
        Line(text, $"  {Count(sequential.ControlConversions)} conversions in the control, {Count(sequential.TreatmentConversions)} in the treatment");
        Wrapped(text, sequential.Note ?? $"{Interval(sequential.Lower, sequential.Upper, "relative")}, E = {Number(sequential.EValue)}, {(sequential.Reject == true ? "the arms differ" : "not yet decided")}", "  ");
        Line(text, "");
    }

    private static void Waves(StringBuilder text, LiftReport report)
    {
        Line(text, "Waves                                  control                               treatment");
        Line(text, "         date   window  exported  held  conv/exp  conv/held   exported  held  conv/exp  conv/held");
        foreach (LiftWaveWindow wave in report.Windows.Waves)
            Line(text, $"  {wave.Wave,2} {wave.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}   {(wave.Closed ? "closed" : "open  ")}{Arm(wave.Control)} {Arm(wave.Treatment)}");
        Line(text, "  The quality of the audience falls from wave to wave by construction: a trend here is no trend of the effect.");
        Line(text, "");

        static string Arm(LiftWaveArm arm) => $"{arm.Exported,10}{arm.HeldBack,6}{arm.ExportedConversions,10}{arm.HeldBackConversions,11}";
    }

    private static void Funnel(StringBuilder text, LiftReport report)
    {
        Line(text, "Funnel                       control            treatment");
        foreach (LiftFunnelStage stage in report.Funnel)
            Line(text, $"  {stage.Stage,-22}{Count(stage.Control),10} {Share(stage.ControlShare),-9}{Count(stage.Treatment),10} {Share(stage.TreatmentShare)}");

        static string Share(double? share) => share is null ? "" : $"{Number(100 * share, 2)} %";
    }

    private static void Truth(StringBuilder text, IReadOnlyList<LiftTruthRow> rows)
    {
        Line(text, "");
        Line(text, "Simulated truth                                     true   estimate   interval");
        foreach (LiftTruthRow row in rows.Where(row => row.Truth is not null))
            Line(text, $"  {row.Name,-46}{Value(row.Truth, row.Unit),9}{Value(row.Estimate, row.Unit),11}   {Interval(row.Lower, row.Upper, row.Unit)}"
                + (row.Covered switch { true => "", false => ", misses it", null => "" }));
    }

    private static string Interval(double? lower, double? upper, string unit) =>
        lower is null && upper is null ? "no interval" : $"{Value(lower, unit)} to {Value(upper, unit)}";

    private static string Value(double? value, string unit) => value switch
    {
        null => "n/a",
        double.PositiveInfinity => "∞",
        double.NegativeInfinity => "−∞",
        _ when unit == "relative" => (100 * value.Value).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture) + " %",
        _ => value.Value.ToString("0.00", CultureInfo.InvariantCulture),
    };

    private static string Number(double? value, int digits = 3) => value is null ? "n/a" : Math.Round(value.Value, digits).ToString(CultureInfo.InvariantCulture);

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    private static void Line(StringBuilder text, string line) => text.Append(line.TrimEnd()).Append('\n');

    private static void Wrapped(StringBuilder text, string sentence, string indent)
    {
        string prefix = indent, line = indent;
        foreach (string word in sentence.Split(' '))
        {
            if (line.Length + word.Length > Width && line.Length > prefix.Length)
            {
                Line(text, line);
                prefix = line = new string(' ', indent.Length);
            }
            line += line.Length > prefix.Length ? " " + word : word;
        }
        Line(text, line);
    }
}
