using System.Text.Json.Serialization;

namespace Pimm.Core.Queueing;

/// <summary>The states of a run; the last three are final.</summary>
public static class JobStates
{
    public const string Queued = "queued";
    public const string Running = "running";
    public const string Succeeded = "succeeded";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";

    public static readonly IReadOnlyList<string> All = [Queued, Running, Succeeded, Failed, Cancelled];
}

/// <summary>One row of job_run.</summary>
/// <param name="Arguments">camelCase JSON</param>
/// <param name="Attempt">tries so far; a graceful hand-back does not count</param>
/// <param name="Fence">rises with every claim; effects of an older fence are refused</param>
/// <param name="AfterRuns">runs that must have succeeded before this one starts</param>
/// <param name="WaitsFor">those of them that have not succeeded yet, while this one is queued</param>
/// <param name="Owner">the worker that has it, while running</param>
/// <param name="Progress">0 to 1, as last reported</param>
/// <param name="Result">camelCase JSON, when succeeded</param>
/// <param name="Error">of the last attempt that failed; first line one sentence, the rest detail</param>
/// <param name="StartedAt">of the last attempt</param>
public sealed record JobRun(
    long Id, string Kind, string DedupeKey, [property: JsonConverter(typeof(RawJsonConverter))] string Arguments, long? CampaignId, DateOnly? LogicalDate, string[] Requires,
    long[] AfterRuns, long[] WaitsFor,
    string State, int Attempt, int MaxAttempts, TimeSpan? MaxDuration, long Fence, string? Owner,
    DateTimeOffset? LeaseUntil, DateTimeOffset? HeartbeatAt, DateTimeOffset NotBefore, bool CancelRequested,
    float? Progress, string? ProgressMsg, [property: JsonConverter(typeof(RawJsonConverter))] string? Result, string? Error,
    DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt)
{
    public bool IsFinished => State is JobStates.Succeeded or JobStates.Failed or JobStates.Cancelled;

    /// <summary>The sentence of <see cref="Error"/>, without the detail.</summary>
    public string? ErrorSentence => Error?.Split('\n')[0];
}

/// <summary>One line that a run wrote.</summary>
/// <param name="Level">information, warning or error</param>
public sealed record JobLogLine(long RunId, long Fence, int Seq, DateTimeOffset LoggedAt, string Level, string Message);
