using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.HttpResults;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Queueing;

namespace Pimm.Web.Api;

/// <summary>One piece of work: queued, running or ended.</summary>
/// <param name="Kind">what it does, such as "train" or "export"</param>
/// <param name="State">queued, running, succeeded, failed or cancelled</param>
/// <param name="LogicalDate">the day it is about</param>
/// <param name="Attempt">tries so far</param>
/// <param name="Progress">0 to 1, as last reported</param>
/// <param name="Error">of the last try that failed, one sentence</param>
/// <param name="WaitsFor">runs that must succeed before it starts</param>
/// <param name="CancelRequested">somebody wished it cancelled; a running one stops at its worker's next heartbeat</param>
public sealed record ApiRun(
    long Id, string Kind, string State, long? CampaignId, DateOnly? LogicalDate, int Attempt, int MaxAttempts, float? Progress, string? Message,
    string? Error, IReadOnlyList<long> WaitsFor, bool CancelRequested, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt)
{
    public static ApiRun Of(JobRun run) => new(
        run.Id, run.Kind, run.State, run.CampaignId, run.LogicalDate, run.Attempt, run.MaxAttempts, run.Progress, run.ProgressMsg, run.ErrorSentence,
        run.WaitsFor, run.CancelRequested, run.CreatedAt, run.StartedAt, run.FinishedAt);
}

/// <param name="Level">information, warning or error</param>
public sealed record ApiLogLine(DateTimeOffset At, string Level, string Message);

/// <param name="Result">what came out, when it succeeded; its fields depend on the kind</param>
/// <param name="Log">what it wrote, all its tries, the oldest first</param>
public sealed record ApiRunDetails(ApiRun Run, JsonNode? Result, IReadOnlyList<ApiLogLine> Log);

/// <summary>What workers did, do and are to do.</summary>
public static class RunsApi
{
    private static readonly DateTimeOffset At = new(2026, 12, 1, 2, 0, 0, TimeSpan.Zero);

    private static readonly ApiRun Example = new(
        84, "export", JobStates.Succeeded, 7, new DateOnly(2026, 12, 1), 1, 3, 1, "writing the lists of 2026-12-01", null, [], false, At, At.AddSeconds(1), At.AddSeconds(9));

    public static RouteGroupBuilder MapRunsApi(this RouteGroupBuilder api)
    {
        var runs = api.MapGroup("/runs").RequireScope(ApiScopes.RunsRead).WithTags("Runs");
        runs.MapGet("", ListAsync).WithName("listRuns").WithSummary("Runs, the newest first").WithExample(new ApiPage<ApiRun>([Example], null));
        runs.MapGet("/{id:long}", OneAsync).WithName("getRun").WithSummary("One run with what it wrote")
            .WithExample(new ApiRunDetails(Example, JsonNode.Parse("""{"lists":[{"fileName":"aud_5f0c1a2b_a_20261201.csv","rows":2000,"bytes":91002}]}"""), [new ApiLogLine(Example.StartedAt!.Value, "information", "writing the lists of 2026-12-01")]));
        api.MapPost("/runs/{id:long}/cancel", CancelAsync).RequireScope(ApiScopes.RunsWrite).WithTags("Runs").WithName("cancelRun")
            .WithSummary("Stops a run, or takes it from the queue")
            .WithDescription("A queued run is cancelled at once, a running one when its worker hears of it: look at the run until it is. Cancelling twice is cancelling once; one that succeeded or failed before stays as it is.")
            .ProducesProblem(StatusCodes.Status409Conflict)
            .WithExample(Example with { State = JobStates.Running, Progress = 0.4f, CancelRequested = true, FinishedAt = null });
        return api;
    }

    private static async Task<Ok<ApiPage<ApiRun>>> ListAsync(
        JobQueue queue, CancellationToken cancellationToken, long? campaignId = null, string? kind = null, string? state = null, int? limit = null, long? after = null)
    {
        if (state is not null && !JobStates.All.Contains(state))
        {
            throw new InputException($"state is \"{state}\": choose {string.Join(", ", JobStates.All)}.");
        }
        var rows = ApiQuery.Limit(limit);
        var found = await queue.ListAsync(campaignId, kind, rows + 1, state, cancellationToken, after);
        return TypedResults.Ok(ApiPage<ApiRun>.Of(found, rows, ApiRun.Of, run => run.Id));
    }

    private static async Task<Results<Ok<ApiRun>, ProblemHttpResult>> CancelAsync(long id, HttpContext context, JobQueue queue, CancellationToken cancellationToken)
    {
        if (await queue.FindAsync(id, cancellationToken) is null)
        {
            return ApiProblem.NotFound($"run {id}");
        }
        var run = await queue.RequestCancelAsync(id, ApiCaller.Of(context).Actor, cancellationToken);
        return run.IsFinished && run.State != JobStates.Cancelled
            ? ApiProblem.Of(StatusCodes.Status409Conflict, "run-finished", "The run is over", $"Run {id} {run.State} before: there is nothing to cancel.") : TypedResults.Ok(ApiRun.Of(run));
    }

    private static async Task<Results<Ok<ApiRunDetails>, ProblemHttpResult>> OneAsync(long id, JobQueue queue, CancellationToken cancellationToken)
    {
        if (await queue.FindAsync(id, cancellationToken) is not { } run)
        {
            return ApiProblem.NotFound($"run {id}");
        }
        var log = await queue.ListLogAsync(id, cancellationToken);
        return TypedResults.Ok(new ApiRunDetails(
            ApiRun.Of(run), run.Result is null ? null : JsonNode.Parse(run.Result), [.. log.Select(line => new ApiLogLine(line.LoggedAt, line.Level, line.Message))]));
    }
}
