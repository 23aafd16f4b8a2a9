namespace Pimm.Core.Queueing;

/// <summary>
/// What runs of one kind do. Registered as a singleton, in a worker only. It observes the token (once per batch), writes only
/// through <see cref="JobExecution.CommitAsync"/> and ends with <see cref="JobExecution.CompleteAsync"/>; a run may be tried
/// again after any exception, an <see cref="InputException"/> excepted: that ends it.
/// </summary>
public interface IJob
{
    string Kind { get; }

    /// <summary>Folder that its runs fill; while there is no room, workers take none of them. Null: they write to the database only.</summary>
    string? WritesTo => null;

    Task RunAsync(JobExecution run, CancellationToken cancellationToken);
}
