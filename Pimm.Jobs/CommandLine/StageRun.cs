using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Pimm.Core;
using Pimm.Core.Auditing;
using Pimm.Core.Queueing;

namespace Pimm.Jobs.CommandLine;

/// <summary>
/// Asks for a stage's run exactly as a page does, brings a worker of its own, and waits for the end. The run is in the list of
/// runs like any other; a worker that is there already may take it first.
/// </summary>
public static class StageRun
{
    /// <returns>the exit code; the run's result is printed as JSON, or as a sentence</returns>
    public static async Task<int> DoAsync(Invocation call, JobRequest request, CancellationToken cancellationToken)
    {
        var run = await RunAsync(call, request, cancellationToken);
        call.Print(
            new { run = run.Id, run.Kind, run.State, result = run.Result is null ? null : System.Text.Json.Nodes.JsonNode.Parse(run.Result) },
            lines => lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Run {run.Id} ({run.Kind}) {run.State}: {run.Result}")));
        return ExitCode.Done;
    }

    /// <exception cref="InputException">the run refused its input</exception>
    /// <exception cref="InvalidOperationException">the run failed or was cancelled</exception>
    public static async Task<JobRun> RunAsync(Invocation call, JobRequest request, CancellationToken cancellationToken)
    {
        var builder = PimmHost.CreateBuilder();
        PimmHost.Quieten(builder.Logging);
        builder.Services.AddWorker();
        // Not whatever waits in the queue: who exports a list did not ask for the night's training.
        builder.Services.Configure<QueueingOptions>(options => (options.Kinds, options.NotKinds) = ([request.Kind], []));
        using var host = builder.Build();
        var queue = host.Services.GetRequiredService<JobQueue>();
        await RequireAWorkerAsync(host.Services, request, cancellationToken);
        var id = await queue.EnqueueAsync(request, AuditActor.CommandLine, cancellationToken);
        await host.StartAsync(cancellationToken);
        try
        {
            var run = await WaitAsync(queue, id, cancellationToken);
            if (run.State == JobStates.Succeeded)
            {
                return run;
            }
            // A refusal of the input is one sentence; anything else carries its details behind the first line.
            throw run.State == JobStates.Failed && run.Error is { } error && !error.Contains('\n')
                ? new InputException(error)
                : new InvalidOperationException($"Run {run.Id} ({run.Kind}) {run.State}: {run.ErrorSentence}");
        }
        finally
        {
            await host.StopAsync(CancellationToken.None);
        }
    }

    /// <exception cref="InputException">the run needs what neither this machine nor any worker offers: nobody would ever take it</exception>
    private static async Task RequireAWorkerAsync(IServiceProvider services, JobRequest request, CancellationToken cancellationToken)
    {
        var options = services.GetRequiredService<IOptions<QueueingOptions>>().Value;
        var required = request.Requires ?? options.RequiredBy(request.Kind);
        if (required.All(options.Capabilities.Contains))
            return;
        var workers = await services.GetRequiredService<WorkerStore>().ListAsync(cancellationToken);
        if (!workers.Any(worker => worker.State == "running" && worker.Kinds.Contains(request.Kind) && required.All(worker.Capabilities.Contains)))
            throw new InputException($"A run of the kind {request.Kind} requires {string.Join(", ", required)} (Queueing:Requires), which no worker offers: start one that does, with pimm work {string.Join(' ', required.Select(one => $"--offers {one}"))}.");
    }

    /// <summary>Whoever interrupts the verb means its run: it is cancelled, not left for another worker.</summary>
    private static async Task<JobRun> WaitAsync(JobQueue queue, long id, CancellationToken cancellationToken)
    {
        try
        {
            return await queue.WaitAsync(id, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await queue.RequestCancelAsync(id, AuditActor.CommandLine, CancellationToken.None);
            throw;
        }
    }

    /// <summary>A key for a run that a person asks for: each time is a new run.</summary>
    public static string NewKey(string what) =>
        string.Create(CultureInfo.InvariantCulture, $"command line/{what}/{TimeProvider.System.GetUtcNow():yyyyMMdd'T'HHmmss.fffffff}");
}
