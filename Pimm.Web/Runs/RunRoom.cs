using Pimm.Core.Queueing;

namespace Pimm.Web.Runs;

/// <summary>Everything that the page of one run shows.</summary>
/// <param name="Usual">how long its kind takes as a rule; null: too few of them</param>
public sealed record RunContext(
    JobRun Run, IReadOnlyList<JobLogLine> Log, IReadOnlyList<RunAttempt> Attempts, IReadOnlyList<RunProduct> Products,
    IReadOnlyList<RunRow> Before, IReadOnlyList<RunRow> After, TimeSpan? Usual);

/// <summary>Reads what the pages of runs show.</summary>
public sealed class RunRoom(JobQueue queue, RunListStore runs, WorkerStore workers)
{
    /// <returns>null: there is no such run</returns>
    public async Task<RunContext?> ReadAsync(long id)
    {
        if (await queue.FindAsync(id) is not { } run)
        {
            return null;
        }

        var (before, after) = await runs.ChainAsync(id);
        return new RunContext(run, await queue.ListLogAsync(id), await runs.AttemptsAsync(id), await runs.ProductsAsync(id), before, after, await runs.UsualAsync(run));
    }

    /// <summary>The same context while the run goes on: its new progress and log.</summary>
    public async Task<RunContext> ProgressAsync(RunContext context, JobRun changed) => context with { Run = changed, Log = await queue.ListLogAsync(changed.Id) };

    /// <summary>Whether somebody does what is asked for.</summary>
    public async Task<bool> HasWorkerAsync() => (await workers.ListAsync()).Any(worker => worker.State == "running");
}
