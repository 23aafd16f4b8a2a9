using System.Globalization;
using System.Text;
using Pimm.Core.Training;
using static Pimm.Core.Lift.LiftText;

namespace Pimm.Core.Lift;

/// <summary>A page about a campaign's lift: FILE.md, and its figures as SVG files in the folder FILE beside it. Every figure stands above the table of its numbers.</summary>
public static class LiftMarkdown
{
    public static void Write(LiftReport report, string path) => MarkdownPage.Write(path, LiftFigures.All(report), folder => Page(report, folder));

    /// <param name="folder">of the figures, as the page refers to them</param>
    public static string Page(LiftReport report, string folder)
    {
        var page = new MarkdownPage(folder, LiftFigures.All(report));
        page.Line($"# Lift of {MarkdownCell.Of(report.Campaign)}{(report.Simulated ? " (simulated)" : "")}");
        page.Line($"As of {Time(report.AsOf)} UTC, {(report.Windows.Closed ? "all windows closed" : "windows open")}, intervals at {Number(100 * report.Confidence)} %.{Origin(report.Origin)}");
        page.Line($"**{report.Verdict?.Sentence ?? "No verdict yet: it is given when the window has closed."}**");
        page.Line($"## Health checks");
        page.Table("check | | what was seen", "---|---|---", report.Checks.Select(check => $"{MarkdownCell.Of(check.Name)} | {(check.Alarm ? "**alarm**" : "ok")} | {MarkdownCell.Of(check.Sentence)}"));
        page.Line($"## What the treatment model was worth");
        page.Figure("numbers");
        page.Figure("lifts");
        Numbers(page, report.Numbers);
        Guardrails(page, report.Guardrails ?? []);
        Funnel(page, report);
        if (report.Amount is { } amount)
        {
            page.Line($"## Amount");
            page.Line(amount.ControlMean is null ? "" : $"Per eligible customer {Value(amount.ControlMean, "")} in the control, {Value(amount.TreatmentMean, "")} in the treatment.");
            page.Line(MarkdownCell.Of(amount.Note ?? ""));
            Numbers(page, amount.Numbers);
        }
        Days(page, report.Days);
        Segments(page, report.Segments ?? []);
        Rest(page, report);
        return page.ToString();
    }

    private static string Origin(LiftOrigin? origin) => origin is null ? ""
        : $" Version {origin.Version}{(origin.RunId is { } run ? $", run {run}" : "")}{(origin.AskedBy is { } who ? $", asked for by {MarkdownCell.Of(who)}" : "")}, code {MarkdownCell.Of(origin.CodeVersion)}.";

    private static void Numbers(MarkdownPage page, IReadOnlyList<LiftNumber> numbers)
    {
        page.Table("number | estimate | interval | valid at every look | adjusted | unit | method", "---|---|---|---|---|---|---", numbers.Select(n =>
            $"{n.Name} | {Value(n.Estimate, n.Unit)} | {Interval(n.Lower, n.Upper, n.Unit)} | {(n.AlwaysValid?.Lower is null ? "" : Interval(n.AlwaysValid.Lower, n.AlwaysValid.Upper, n.Unit))} | "
            + $"{(n.Adjusted is { } a ? $"{Value(a.Estimate, n.Unit)} ({Interval(a.Lower, a.Upper, n.Unit)})" : "")} | {n.Unit} | {n.Method}"));
        foreach (LiftNumber number in numbers)
            page.Item($"{number.Name}: {number.Shows} {number.CannotShow}{(number.Note is { } note ? $" {note}" : "")}");
        page.Line("");
    }

    private static void Guardrails(MarkdownPage page, IReadOnlyList<LiftGuardrail> guardrails)
    {
        if (guardrails.Count == 0)
            return;
        page.Line($"## Guardrails");
        page.Table("metric | margin | state | change | one-sided bounds | in words", "---|---|---|---|---|---", guardrails.Select(g =>
            $"{MarkdownCell.Of(g.Metric)} | {Value(-g.Margin, "relative")} | {g.State} | {Value(g.Estimate, "relative")} | {Interval(g.Lower, g.Upper, "relative")} | {MarkdownCell.Of(g.Sentence)}"));
    }

    private static void Funnel(MarkdownPage page, LiftReport report)
    {
        page.Line($"## Funnel by arm");
        page.Line("Shares of the exported: chosen after assignment like delivered lift, never adjusted.");
        page.Figure("funnel");
        page.Table("stage | control | treatment | control, of exported | treatment, of exported | relative lift | interval", "---|---|---|---|---|---|---", (report.Stages ?? []).Select(s =>
            $"{MarkdownCell.Of(s.Stage)} | {Count(s.Control)} | {Count(s.Treatment)} | {Share(s.ControlRate)} | {Share(s.TreatmentRate)} | {Value(s.Lift.Estimate, "relative")} | {Interval(s.Lift.Lower, s.Lift.Upper, "relative")}"));
        page.Line(report.Divergence?.Sentence ?? "");
    }

    private static void Days(MarkdownPage page, LiftDays? days)
    {
        if (days is null || days.Days.Count == 0)
            return;
        page.Line($"## Day by day");
        page.Line($"Days in {days.TimeZone}. {days.Note}");
        page.Figure("days");
        page.Table("day | control, that day | treatment, that day | impressions an arm so far | control so far | treatment so far | headline so far | interval | valid at every look", "---|---|---|---|---|---|---|---|---", days.Days.Select(d =>
            string.Create(CultureInfo.InvariantCulture, $"{Day(d.Date)} | {d.ControlOnDay} | {d.TreatmentOnDay} | {d.Impressions:N0} | {d.Control} | {d.Treatment} | {Value(d.Estimate, "")} | {(d.Lower is null ? "" : Interval(d.Lower, d.Upper, ""))} | {(d.AlwaysLower is null ? "" : Interval(d.AlwaysLower, d.AlwaysUpper, ""))}")));
    }

    private static void Segments(MarkdownPage page, IReadOnlyList<LiftSegment> segments)
    {
        if (segments.Count == 0)
            return;
        page.Line($"## Segments");
        page.Line("Part: of the headline, per 1,000 impressions of the campaign; difference: per 1,000 eligible customers of the level; p adjusted by Holm over all levels on this page.");
        for (int at = 0; at < segments.Count; at++)
        {
            LiftSegment segment = segments[at];
            page.Line($"### {MarkdownCell.Of(segment.Attribute)}");
            page.Figure(FormattableString.Invariant($"segment-{at + 1}"));
            page.Table("level | eligible, control | eligible, treatment | conversions, control | conversions, treatment | part | difference | interval | p, Holm | ", "---|---|---|---|---|---|---|---|---|---", segment.Levels.Select(l =>
                $"{MarkdownCell.Of(l.Level)} | {Count(l.ControlEligible)} | {Count(l.TreatmentEligible)} | {Count(l.ControlConversions)} | {Count(l.TreatmentConversions)} | {Value(l.Extra.Estimate, "")} | {Value(l.Difference.Estimate, "")} | {Interval(l.Difference.Lower, l.Difference.Upper, "")} | {Number(l.PHolm, 4)} | {l.Note}"));
            page.Line(segment.Heterogeneity is null ? segment.Note ?? "" : $"Do the levels differ? Cochran's Q {Number(segment.Heterogeneity, 2)}, {segment.Degrees} degrees of freedom, p = {Number(segment.PValue, 4)}.");
        }
    }

    private static void Rest(MarkdownPage page, LiftReport report)
    {
        if (report.Exclusions is { Count: > 0 } exclusions)
        {
            page.Line($"## Left out and counted");
            foreach (LiftExclusion exclusion in exclusions)
                page.Item(exclusion.Sentence);
            page.Line("");
        }
        if (report.Truth is { } truth)
        {
            page.Line($"## Simulated truth");
            page.Table("number | true | estimate | interval", "---|---|---|---", truth.Where(row => row.Truth is not null).Select(row =>
                $"{row.Name} | {Value(row.Truth, row.Unit)} | {Value(row.Estimate, row.Unit)} | {Interval(row.Lower, row.Upper, row.Unit)}{(row.Covered == false ? ", misses it" : "")}"));
        }
        if (report.Changes is not { } changes)
            return;
        page.Line($"## Since version {changes.Since}");
        page.Table("number | then | now", "---|---|---", changes.Numbers.Select(c => $"{c.Name} | {Value(c.Before, c.Unit)} | {Value(c.Now, c.Unit)}"));
        foreach (string sentence in changes.Rows is { } rows ? changes.Sentences.Prepend($"{Count(rows)} outcomes taken in from {changes.Files} files and batches.") : changes.Sentences)
            page.Item(MarkdownCell.Of(sentence));
    }
}

/// <summary>A Markdown page whose figures lie in a folder beside it.</summary>
internal sealed class MarkdownPage(string folder, IReadOnlyList<(string Name, SvgChart Chart)> figures)
{
    private readonly StringBuilder _text = new();

    /// <summary>Writes the page and its figures; files of those names are replaced.</summary>
    public static void Write(string path, IReadOnlyList<(string Name, SvgChart Chart)> figures, Func<string, string> page)
    {
        string beside = Path.ChangeExtension(path, null);
        Directory.CreateDirectory(beside);
        foreach ((string name, SvgChart chart) in figures)
            File.WriteAllText(Path.Combine(beside, name + ".svg"), chart.ToSvg());
        File.WriteAllText(path, page(Path.GetFileName(beside)));
    }

    /// <summary>A paragraph; an empty one only ends a list.</summary>
    public void Line(string text)
    {
        if (text.Length > 0)
            _text.Append(text).Append("\n\n");
        else if (_text.Length > 1 && _text[^2] != '\n')
            _text.Append('\n');
    }

    public void Item(string text) => _text.Append("- ").Append(text).Append('\n');

    /// <summary>Nothing where there is no such figure.</summary>
    public void Figure(string name)
    {
        foreach ((string file, SvgChart chart) in figures.Where(figure => figure.Name == name))
            Line($"![{MarkdownCell.Of(chart.Title)}. {MarkdownCell.Of(chart.Description)}]({Uri.EscapeDataString(folder)}/{file}.svg)");
    }

    /// <summary>Nothing where there are no rows.</summary>
    public void Table(string head, string rule, IEnumerable<string> rows)
    {
        string[] lines = rows.ToArray();
        if (lines.Length == 0)
            return;
        foreach (string line in lines.Prepend(rule).Prepend(head))
            _text.Append("| ").Append(line.TrimEnd()).Append(" |\n");
        _text.Append('\n');
    }

    public override string ToString() => _text.ToString().TrimEnd('\n') + "\n";
}
