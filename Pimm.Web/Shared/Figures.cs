using System.Globalization;

namespace Pimm.Web.Shared;

/// <summary>Numbers and times as every page writes them.</summary>
public static class Figures
{
    private static readonly CultureInfo English = CultureInfo.GetCultureInfo("en-US");

    public static string Count(long value) => value.ToString("#,0", English);

    /// <summary>0.1234 → 12.3 %; with a no-break space.</summary>
    public static string Percent(double share, int digits = 1) => Number(100 * share, digits) + "\u00a0%";

    /// <summary>A typographic minus, and no minus before a zero.</summary>
    public static string Number(double value, int digits)
    {
        var rounded = Math.Round(value, digits, MidpointRounding.AwayFromZero);
        return double.IsFinite(value)
            ? (rounded < 0 ? "\u2212" : "") + Math.Abs(rounded).ToString("#,0." + new string('0', digits), English)
            : double.IsNaN(value) ? "–" : value > 0 ? "∞" : "\u2212∞";
    }

    public static string Signed(double value, int digits) => (Math.Round(value, digits) > 0 ? "+" : "") + Number(value, digits);

    public static string Day(DateOnly day) => day.ToString("d MMM yyyy", English);

    public static string Moment(DateTimeOffset moment) => moment.UtcDateTime.ToString("d MMM yyyy, HH:mm", English) + " UTC";

    public static string Bytes(long bytes) => bytes switch
    {
        < 1_000 => $"{bytes} B",
        < 1_000_000 => Number(bytes / 1e3, 0) + " kB",
        _ => Number(bytes / 1e6, 1) + " MB",
    };

    public static string Duration(TimeSpan span) => span switch
    {
        { TotalSeconds: < 1 } => "under 1 s",
        { TotalMinutes: < 1 } => $"{span.Seconds} s",
        { TotalHours: < 1 } => $"{span.Minutes} min {span.Seconds} s",
        _ => $"{(int)span.TotalHours} h {span.Minutes} min",
    };
}
