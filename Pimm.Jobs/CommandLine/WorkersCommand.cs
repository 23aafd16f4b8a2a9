using System.CommandLine;
using System.Globalization;
using Pimm.Core.Queueing;

namespace Pimm.Jobs.CommandLine;

public static class WorkersCommand
{
    public static Command Create() => new("workers", "which processes take runs")
    {
        new Command("list", "the workers of the last day, the newest first") { Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var workers = await call.Service<WorkerStore>().ListAsync(cancellationToken);
            call.Print(new { Workers = workers }, lines =>
            {
                foreach (var worker in workers)
                    lines.WriteLine(Line(worker));
                if (workers.Count == 0)
                    lines.WriteLine("No workers: start one with pimm work.");
            });
            return ExitCode.Done;
        })
    };

    private static string Line(WorkerProcess worker) => string.Create(CultureInfo.InvariantCulture,
        $"{worker.Name,-24} {worker.State,-8} {worker.Slots,2} slots  since {worker.StartedAt:yyyy-MM-dd HH:mm:ss}  seen {worker.SeenAt:HH:mm:ss}  clock {worker.ClockOffset?.TotalSeconds ?? 0:+0.0;-0.0;0.0} s  takes {string.Join(", ", worker.Kinds)}{Offers(worker)}{(worker.Schedules ? "  fires schedules" : "")}");

    private static string Offers(WorkerProcess worker) => worker.Capabilities.Length == 0 ? "" : $"  offers {string.Join(", ", worker.Capabilities)}";
}
