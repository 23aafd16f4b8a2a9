using Microsoft.Extensions.Localization;
using Pimm.Core.Lift;
using Pimm.Web.Shared;

namespace Pimm.Web.Lift;

/// <summary>The report's numbers in their units: per 1,000 with two digits, relative ones as percent, ratios as factors.</summary>
public static class LiftFormat
{
    public const string PerThousand = "per 1,000 impressions";
    public const string Relative = "relative";
    public const string Ratio = "ratio";

    public static string Value(double? value, string unit) => value is not { } number ? "–" : unit switch
    {
        Relative => double.IsFinite(number) ? Figures.Signed(100 * number, 1) + "\u00a0%" : Figures.Number(number, 1),
        Ratio => Figures.Number(number, 2) + (double.IsFinite(number) ? "\u00a0×" : ""),
        _ => Figures.Signed(number, 2),
    };

    public static string Interval(double? lower, double? upper, string unit) =>
        lower is null && upper is null ? "no interval" : $"{Value(lower ?? double.NegativeInfinity, unit)} to {Value(upper ?? double.PositiveInfinity, unit)}";

    /// <summary>What the unit is on an axis.</summary>
    public static string Axis(string unit) => unit switch
    {
        Relative => "relative difference of the arms, %",
        Ratio => "treatment's increment over control's",
        _ => "core conversions per 1,000 impressions",
    };

    /// <summary>The verdict's title in the reader's language.</summary>
    public static string VerdictTitle(LiftReport report, IStringLocalizer<LiftWords> words) => report.Verdict switch
    {
        { Status: "keep-running", Days: 1 } => words["Keep running, about 1 day"],
        { Status: "keep-running", Days: { } days } => words["Keep running, about {0} days", days],
        _ => words[Verdict(report).Title],
    };

    public static (string Icon, string Title, string Class) Verdict(LiftReport report) => report.Verdict?.Status switch
    {
        "ship" => ("check_circle", "Ship the treatment model", "good"),
        "roll-back" => ("undo", "Roll the treatment model back", "bad"),
        "cannot-tell" => ("balance", "The models cannot be told apart", "neutral"),
        "unhealthy" or "off" => ("gpp_maybe", "The verdict is switched off", "warn"),
        "no-data" => ("hourglass_empty", "No data to decide on", "neutral"),
        "keep-running" => ("hourglass_top", report.Verdict.Days is { } days ? $"Keep running, about {days} {(days == 1 ? "day" : "days")}" : "Keep running", "neutral"),
        _ => ("hourglass_top", "No verdict yet", "neutral"),
    };
}
