namespace Pimm.Core.Queueing;

/// <summary>What a claim hands to a worker.</summary>
public sealed record ClaimedRun(
    long Id, string Kind, long Fence, int Attempt, int MaxAttempts, string Arguments, long? CampaignId, DateOnly? LogicalDate,
    TimeSpan? MaxDuration);

/// <summary>One line on its way to job_run_log.</summary>
internal sealed record PendingLogLine(int Seq, string Level, string Message);
