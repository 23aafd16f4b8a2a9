using Microsoft.AspNetCore.Http.HttpResults;
using Pimm.Core.Access;
using Pimm.Core.Approving;
using Pimm.Core.Campaigns;

namespace Pimm.Web.Api;

/// <param name="Reason">for the audit log and the campaign's page, at most 2,000 characters</param>
public sealed record ApiReason(string? Reason = null);

/// <summary>Where a campaign stands after a change.</summary>
/// <param name="Life">draft, in review, changes requested, approved, scheduled, running, paused, completed or stopped</param>
/// <param name="Approval">none, in review, approved, changes requested, withdrawn or void</param>
/// <param name="CancelledRuns">runs that were queued or running and end now</param>
public sealed record ApiLife(long Id, string Life, string Approval, IReadOnlyList<long> CancelledRuns);

/// <summary>Withdraw, pause, resume and stop. Approving is for people alone: a key can never do it.</summary>
public static class CampaignLifeApi
{
    private static readonly ApiReason Reason = new("Complaint 4711");

    public static RouteGroupBuilder MapCampaignLifeApi(this RouteGroupBuilder api)
    {
        var campaigns = api.MapGroup("/campaigns/{id:long}").WithTags("Campaigns");
        campaigns.MapPost("/withdraw", WithdrawAsync).RequireScope(ApiScopes.CampaignsWrite).WithName("withdrawCampaign")
            .WithSummary("Takes a submission back").WithDescription("Before anybody has decided about it: the campaign is a draft again and can be changed.")
            .WithExample(new ApiLife(7, LifeStates.Draft, ApprovalStates.Withdrawn, []));
        campaigns.MapPost("/pause", PauseAsync).RequireScope(ApiScopes.CampaignsWrite).WithName("pauseCampaign")
            .WithSummary("Pauses a campaign").WithDescription("No wave is selected and no list written until it is resumed; days that pass stay missing in both arms.")
            .WithExample(new ApiLife(7, LifeStates.Paused, ApprovalStates.Approved, []), Reason);
        campaigns.MapPost("/resume", ResumeAsync).RequireScope(ApiScopes.CampaignsWrite).WithName("resumeCampaign")
            .WithSummary("Resumes a paused campaign").WithDescription("Under the approval that it had.")
            .WithExample(new ApiLife(7, LifeStates.Running, ApprovalStates.Approved, []), Reason);
        campaigns.MapPost("/stop", StopAsync).RequireScope(ApiScopes.CampaignsWrite).WithName("stopCampaign")
            .WithSummary("Stops a campaign for ever").WithDescription("At once and without approval: runs that select or export are cancelled, and no wave is selected or exported afterwards. It cannot be undone; copy the campaign to start again.")
            .WithExample(new ApiLife(7, LifeStates.Stopped, ApprovalStates.Approved, [812]), Reason);
        return api;
    }

    private static Task<Results<Ok<ApiLife>, ProblemHttpResult>> WithdrawAsync(long id, HttpContext context, ApprovalDesk desk, LifeStore lives, CancellationToken cancellationToken) =>
        DoAsync(id, lives, async () => { await desk.WithdrawAsync(id, ApiCaller.Of(context).Actor, cancellationToken); return []; }, cancellationToken);

    private static Task<Results<Ok<ApiLife>, ProblemHttpResult>> PauseAsync(
        long id, ApiReason? wish, HttpContext context, CampaignSteering steering, LifeStore lives, CancellationToken cancellationToken) =>
        DoAsync(id, lives, async () => { await steering.PauseAsync(id, ApiCaller.Of(context).Actor, wish?.Reason, cancellationToken); return []; }, cancellationToken);

    private static Task<Results<Ok<ApiLife>, ProblemHttpResult>> ResumeAsync(
        long id, ApiReason? wish, HttpContext context, CampaignSteering steering, LifeStore lives, CancellationToken cancellationToken) =>
        DoAsync(id, lives, async () => { await steering.ResumeAsync(id, ApiCaller.Of(context).Actor, wish?.Reason, cancellationToken); return []; }, cancellationToken);

    private static Task<Results<Ok<ApiLife>, ProblemHttpResult>> StopAsync(
        long id, ApiReason? wish, HttpContext context, CampaignSteering steering, LifeStore lives, CancellationToken cancellationToken) =>
        DoAsync(id, lives, () => steering.StopAsync(id, ApiCaller.Of(context).Actor, wish?.Reason, cancellationToken), cancellationToken);

    private static async Task<Results<Ok<ApiLife>, ProblemHttpResult>> DoAsync(long id, LifeStore lives, Func<Task<IReadOnlyList<long>>> change, CancellationToken cancellationToken)
    {
        if (await lives.ReadAsync(id, cancellationToken: cancellationToken) is null)
        {
            return ApiProblem.NotFound($"campaign {id}");
        }
        var cancelled = await change();
        var life = (await lives.ReadAsync(id, cancellationToken: cancellationToken))!;
        return TypedResults.Ok(new ApiLife(id, life.State, life.ApprovalState, cancelled));
    }
}
