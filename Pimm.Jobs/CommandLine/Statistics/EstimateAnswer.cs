using System.Text.Json.Serialization;
using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>How an estimate is printed: what is not defined is null, the note appears only when there is one.</summary>
public sealed record EstimateAnswer(
    double? Estimate, double? StandardError, double? Lower, double? Upper, double? P,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note = null)
{
    /// <summary>An estimate at confidence level.Interval with the p asked for; the bound not asked for is the end of what is possible.</summary>
    public static EstimateAnswer Of(TestedEstimate tested, ConfidenceLevel level, double lowest = double.NegativeInfinity, double highest = double.PositiveInfinity) =>
        Answer(level.Bounds(tested.Estimate, lowest, highest), tested.PValue(level));

    /// <summary>The same with a statistic that is normal without an effect; without one there is no p.</summary>
    public static EstimateAnswer Of(Estimate estimate, double? statistic, ConfidenceLevel level, double lowest = double.NegativeInfinity, double highest = double.PositiveInfinity) =>
        Answer(level.Bounds(estimate, lowest, highest), statistic is { } z ? level.PValue(z) : null);

    private static EstimateAnswer Answer(Estimate bounded, double? p) =>
        new(bounded.Value, bounded.StandardError, bounded.Lower, bounded.Upper, p, bounded.Note);
}
