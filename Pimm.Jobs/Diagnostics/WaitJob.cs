using Pimm.Core.Queueing;

namespace Pimm.Jobs.Diagnostics;

/// <summary>Does nothing for a while, step by step: to see whether workers claim, report, hand over and stop as they should.</summary>
public sealed class WaitJob(TimeProvider clock) : IJob
{
    public string Kind => "wait";

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var arguments = run.ReadArguments<WaitArguments>();
        for (var step = 1; step <= arguments.Steps; step++)
        {
            if (await run.StepAsync($"step {step}", _ => Task.CompletedTask, cancellationToken))
                await Task.Delay(TimeSpan.FromSeconds(arguments.SecondsPerStep), clock, cancellationToken);
            run.Report((double)step / arguments.Steps, $"step {step} of {arguments.Steps}");
        }
        await run.CompleteAsync(new { arguments.Steps, run.Attempt }, null, cancellationToken);
    }

    private sealed record WaitArguments(int Steps = 10, double SecondsPerStep = 1);
}
