using System.Text.Json;
using Pimm.Core.Queueing;

namespace Pimm.Core.Promoting;

/// <summary>One task of a version on the common rows.</summary>
/// <param name="Auc">null with one class only</param>
/// <param name="Calibration">predicted ÷ observed; null without positives</param>
/// <param name="AucDifference">less the first version's; null for the first itself, and below 20 positives</param>
public sealed record ComparedTask(string Name, long Positives, double? Auc, double? LogLoss, double? Calibration, double? AucDifference, double? AucLower, double? AucUpper);

/// <summary>What tells those who come into the best N from those who leave: a mean of each, or the share of one value.</summary>
/// <param name="Value">of a text attribute: the value whose shares differ most; null for a number</param>
/// <param name="Role">protected, proxy or null</param>
public sealed record MovedAttribute(string Name, string? Value, string? Role, double Entering, double Leaving);

/// <summary>Who would be reached instead, of the newest customers.</summary>
/// <param name="Shared">of the best N of both</param>
/// <param name="Moved">the largest differences first; none where fewer than <see cref="FewestPeople"/> would change</param>
public sealed record TopChange(int Shared, IReadOnlyList<MovedAttribute> Moved)
{
    /// <summary>Means of fewer would describe persons.</summary>
    public const int FewestPeople = 10;
}

/// <summary>A version among those compared.</summary>
/// <param name="Difference">joint log loss less the first version's, nats a row; null for the first itself</param>
/// <param name="Lower">95 % by paired bootstrap over customers, as the upper bound</param>
/// <param name="Change">against the first version; null for it</param>
public sealed record ComparedVersion(
    long Id, long LineId, string Line, int Version, IReadOnlyList<ComparedTask> Tasks, double? JointLogLoss, double? Difference, double? Lower, double? Upper, TopChange? Change);

/// <summary>Versions on the same rows that none of them has learned from, and whom each would choose.</summary>
/// <param name="To">the first instant whose window was open</param>
/// <param name="Cut">there were more rows than are compared: the oldest were taken</param>
/// <param name="Remark">what has to be known of the rows; null: nothing</param>
/// <param name="Top">N</param>
/// <param name="Ranked">customers of <paramref name="AudienceVersion"/>, out of whom the best N were taken</param>
public sealed record VersionComparison(
    IReadOnlyList<ComparedVersion> Versions, DateTimeOffset From, DateTimeOffset To, long Rows, long Customers, bool Cut, string? Remark, int Top, int? AudienceVersion, long Ranked)
{
    /// <summary>The result of a run of the kind <see cref="CompareVersions.JobKind"/>.</summary>
    public static VersionComparison FromJson(string json) => JsonSerializer.Deserialize<VersionComparison>(json, JobRequest.Json)!;
}
