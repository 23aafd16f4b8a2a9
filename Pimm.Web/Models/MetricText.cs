using Pimm.Core.Promoting;
using Pimm.Web.Shared;

namespace Pimm.Web.Models;

/// <summary>Metrics as the pages on models write them, and which can be chosen for a curve.</summary>
public static class MetricText
{
    public static IReadOnlyList<string> Names { get; } = ["auc", "logLoss", "calibration", "liftAtDecile"];

    public static string Of(double? value, int digits) => value is { } number ? Figures.Number(number, digits) : "–";

    public static int Digits(string metric) => metric switch { "logLoss" => 4, "calibration" or "liftAtDecile" => 2, _ => 3 };

    public static double? Value(TaskFigures task, string metric) => metric switch
    {
        "logLoss" => task.LogLoss,
        "calibration" => task.Calibration,
        "liftAtDecile" => task.LiftAtDecile,
        _ => task.Auc,
    };

    /// <summary>A version with the beginning of its commit.</summary>
    public static string Code(string version) => version.IndexOf('+', StringComparison.Ordinal) is var plus and > 0 && version.Length > plus + 8 ? version[..(plus + 8)] : version;

    public static string Interval(double? value, double? lower, double? upper, int digits) => value is not { } middle ? "–"
        : lower is { } low && upper is { } high ? $"{Figures.Signed(middle, digits)} ({Figures.Signed(low, digits)} … {Figures.Signed(high, digits)})" : Figures.Signed(middle, digits);
}
