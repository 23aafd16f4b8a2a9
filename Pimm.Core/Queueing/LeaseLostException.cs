namespace Pimm.Core.Queueing;

/// <summary>Another worker has the run, or it was ended: nothing more may be written for it here.</summary>
public sealed class LeaseLostException(long runId, long fence)
    : Exception($"Run {runId} is no longer held under fence {fence}: its effects are refused and the attempt stops.");
