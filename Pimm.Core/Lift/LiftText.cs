using System.Globalization;
using System.Text;

namespace Pimm.Core.Lift;

/// <summary>Lines of a report, none wider than <see cref="Width"/> columns.</summary>
internal sealed class LiftText
{
    public const int Width = 110;
    private readonly StringBuilder _text = new();

    public void Line(string line = "") => _text.Append(line.TrimEnd()).Append('\n');

    /// <summary>A paragraph; its first line begins with the indent, the others with as many spaces.</summary>
    public void Wrapped(string sentence, string indent)
    {
        string prefix = indent, line = indent;
        foreach (string word in sentence.Split(' '))
        {
            if (line.Length + word.Length + 1 > Width && line.Length > prefix.Length)
            {
                Line(line);
                prefix = line = new string(' ', indent.Length);
            }
            line += line.Length > prefix.Length ? " " + word : word;
        }
        Line(line);
    }

    public override string ToString() => _text.ToString();

    public static string Interval(double? lower, double? upper, string unit) =>
        lower is null && upper is null ? "no interval" : $"{Value(lower, unit)} to {Value(upper, unit)}";

    /// <summary>Relative numbers as percent, the others with two digits.</summary>
    public static string Value(double? value, string unit) => value switch
    {
        null => "n/a",
        double.PositiveInfinity => "∞",
        double.NegativeInfinity => "−∞",
        _ when unit == "relative" => (100 * value.Value).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture) + " %",
        _ => value.Value.ToString(Math.Abs(value.Value) >= 1_000 ? "N0" : "0.00", CultureInfo.InvariantCulture),
    };

    public static string Number(double? value, int digits = 3) => value is null ? "n/a" : Math.Round(value.Value, digits).ToString(CultureInfo.InvariantCulture);

    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    public static string Share(double? share) => share is null ? "" : $"{Number(100 * share, 2)} %";

    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    public static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>A name in a column: cut where it is too long.</summary>
    public static string Fit(string name, int width) => name.Length <= width ? name.PadRight(width) : name[..(width - 1)] + "…";
}
