using System.Text.Json.Serialization;
using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>How an estimate is printed: what is not defined is null, the note appears only when there is one.</summary>
public record EstimateAnswer(
    double? Estimate, double? StandardError, double? Lower, double? Upper, double? P,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note = null)
{
    public static EstimateAnswer Of(Estimate estimate, double? p) =>
        new(estimate.Value, estimate.StandardError, estimate.Lower, estimate.Upper, p, estimate.Note);
}
