using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Pimm.Core.Queueing;
using Pimm.Testing;

namespace Pimm.Database.Tests.Queueing;

/// <summary>A worker of a test's own for some kinds of runs, told of every fault point that its runs reach.</summary>
internal sealed class FaultyWorker : IAsyncDisposable
{
    private static readonly AsyncLocal<Action<string>?> Reached = new();

    private readonly WorkerLeases leases;
    private readonly Worker worker;

    static FaultyWorker() => FaultPoint.Listener = name => Reached.Value?.Invoke(name);

    private FaultyWorker(WorkerLeases leases, Worker worker) => (this.leases, this.worker) = (leases, worker);

    /// <param name="reached">what to do at a point; what it throws ends the attempt there</param>
    public static async Task<FaultyWorker> StartAsync(PimmInstance pimm, string[] kinds, Action<JobExecution, string> reached, int slots = 1)
    {
        var jobs = pimm.Service<IEnumerable<IJob>>().Where(job => kinds.Contains(job.Kind)).Select(job => new Job(job, reached));
        var leases = new WorkerLeases(Options.Create(pimm.Database.Options), Options.Create(QueueWorld.Quick(slots)));
        var worker = new Worker(jobs, pimm.Database.DataSource, leases, TimeProvider.System, NullLogger<Worker>.Instance);
        await worker.StartAsync(default);
        return new FaultyWorker(leases, worker);
    }

    public async ValueTask DisposeAsync()
    {
        await worker.StopAsync(default);
        worker.Dispose();
        await leases.DisposeAsync();
    }

    private sealed class Job(IJob job, Action<JobExecution, string> reached) : IJob
    {
        public string Kind => job.Kind;

        public Task RunAsync(JobExecution run, CancellationToken cancellationToken)
        {
            Reached.Value = name => reached(run, name);
            return job.RunAsync(run, cancellationToken);
        }
    }
}
