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

/// <summary>An estimate with its interval; infinite ends are drawn as arrows, what is not defined is null.</summary>
/// <param name="Written">estimate and interval as a person reads them</param>
/// <param name="Note">small, behind the label: "closed", "simulated"</param>
/// <param name="Strong">the pooled row, the headline</param>
/// <param name="Open">not decided yet: drawn grey and hollow</param>
public sealed record PlotInterval(string Label, double? Estimate, double? Lower, double? Upper, string Written, string? Note = null, bool Strong = false, bool Open = false);

/// <summary>Standardised differences of the arms in one attribute or level, before and after the split was chosen; null where nothing varies.</summary>
public sealed record LoveRow(string Label, double? Before, double? After);

/// <summary>A share of customers in a part of the scale of scores.</summary>
/// <param name="Shares">one a part, of 1</param>
public sealed record ScoreLine(string Label, IReadOnlyList<double> Shares);

/// <summary>A stage of the funnel in both arms.</summary>
/// <param name="TreatmentOf">share of the stage before; null where that is empty</param>
public sealed record FunnelRow(string Stage, long Treatment, long Control, double? TreatmentOf, double? ControlOf);

/// <summary>An estimate on one day with its fixed and its always-valid interval; null: not known yet.</summary>
public sealed record CumulativeDay(DateOnly Date, double? Estimate, double? Lower, double? Upper, double? AlwaysLower, double? AlwaysUpper);
