namespace Pimm.Web.Plots;

/// <summary>Customers of like predictions: what was predicted, and what share of them did it, with an interval where there is one. Shares of 1.</summary>
public sealed record CalibrationPoint(double Predicted, double Observed, double? Lower, double? Upper, long Rows);

/// <param name="Points">by rising prediction</param>
public sealed record CalibrationLine(string Label, IReadOnlyList<CalibrationPoint> Points);

/// <summary>Among the best-ranked <paramref name="Share"/> of the customers lie <paramref name="Captured"/> of the conversions; shares of 1.</summary>
public sealed record GainPoint(double Share, double Captured);

public sealed record GainLine(string Label, IReadOnlyList<GainPoint> Points);

/// <summary>A metric's value at one version or day; null: not known.</summary>
/// <param name="Label">short: "v3"</param>
/// <param name="Marked">ringed and named in the legend: the champion</param>
public sealed record MetricPoint(string Label, double? Value, double? Lower = null, double? Upper = null, bool Marked = false);
