using System.CommandLine;
using System.Globalization;
using Pimm.Core;
using Pimm.Core.Auditing;
using Pimm.Core.Queueing;

namespace Pimm.Jobs.CommandLine;

public static class RunsCommand
{
    public static Command Create() => new("runs", "what workers did, do and are to do")
    {
        List(),
        OnOne("show", "one run with what it wrote", ShowAsync),
        OnOne("cancel", "stops a run, or takes it from the queue", CancelAsync),
        OnOne("retry", "starts a failed or cancelled run again, with all its attempts", async (queue, id, cancellationToken) => Answer(await queue.RetryAsync(id, AuditActor.CommandLine, cancellationToken)))
    };

    private static Command List()
    {
        var campaign = new Option<long?>("--campaign") { Description = "only this campaign's" };
        var kind = new Option<string?>("--kind") { Description = "only this kind, for example train" };
        var state = new Option<string?>("--state") { Description = "only those that are " + string.Join(", ", JobStates.All) };
        var limit = new Option<int>("--limit") { Description = "how many, the newest first", DefaultValueFactory = _ => 50 };
        return new Command("list", "the newest runs") { campaign, kind, state, limit, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            if (call.Arguments.GetValue(state) is { } asked && !JobStates.All.Contains(asked))
                throw new InputException($"--state is \"{asked}\": choose {string.Join(", ", JobStates.All)}.");
            var runs = await call.Service<JobQueue>().ListAsync(
                call.Arguments.GetValue(campaign), call.Arguments.GetValue(kind), call.Arguments.GetValue(limit), call.Arguments.GetValue(state), cancellationToken);
            call.Print(new { Runs = runs }, lines =>
            {
                foreach (var run in runs)
                    lines.WriteLine(Line(run));
                if (runs.Count == 0)
                    lines.WriteLine("No runs.");
            });
            return ExitCode.Done;
        });
    }

    private static Command OnOne(string name, string description, Func<JobQueue, long, CancellationToken, Task<(object Document, Action<TextWriter> Lines)>> act)
    {
        var id = new Argument<string>("id") { Description = "the run's number" };
        return new Command(name, description) { id, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var number = Number(call.Arguments.GetRequiredValue(id));
            var (document, lines) = await act(call.Service<JobQueue>(), number, cancellationToken);
            call.Print(document, lines);
            return ExitCode.Done;
        });
    }

    private static long Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
        ? id : throw new InputException($"\"{text}\" is no run's number: see pimm runs list.");

    private static async Task<(object, Action<TextWriter>)> CancelAsync(JobQueue queue, long id, CancellationToken cancellationToken)
    {
        var before = await queue.GetAsync(id, cancellationToken);
        if (!before.IsFinished)
            return Answer(await queue.RequestCancelAsync(id, AuditActor.CommandLine, cancellationToken));
        return (before, lines => lines.WriteLine($"{Line(before)}  (had finished already, and stays as it is)"));
    }

    private static async Task<(object, Action<TextWriter>)> ShowAsync(JobQueue queue, long id, CancellationToken cancellationToken)
    {
        var run = await queue.GetAsync(id, cancellationToken);
        var log = await queue.ListLogAsync(id, cancellationToken);
        return (new { Run = run, Log = log }, lines =>
        {
            lines.WriteLine(Line(run));
            lines.WriteLine($"arguments {run.Arguments}");
            if (run.Result is not null) lines.WriteLine($"result {run.Result}");
            if (run.Error is not null) lines.WriteLine($"error {run.Error}");
            foreach (var line in log)
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{line.LoggedAt:HH:mm:ss} [{line.Fence}] {line.Level}: {line.Message}"));
        });
    }

    private static (object, Action<TextWriter>) Answer(JobRun run) => (run, lines => lines.WriteLine(Line(run)));

    private static string Line(JobRun run) => string.Create(CultureInfo.InvariantCulture,
        $"{run.Id,6}  {run.Kind,-10} {run.State,-9} {(run.Progress ?? 0) * 100,3:F0} %  try {run.Attempt} of {run.MaxAttempts}  {run.ProgressMsg ?? run.DedupeKey}{Waiting(run)}{(run.ErrorSentence is { } error ? "  " + error : "")}");

    private static string Waiting(JobRun run) =>
        run.WaitsFor.Length == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"  waits for {string.Join(", ", run.WaitsFor.Select(id => $"run {id}"))}");
}
