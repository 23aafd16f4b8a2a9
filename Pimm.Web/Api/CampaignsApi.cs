using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Approving;
using Pimm.Core.Campaigns;

namespace Pimm.Web.Api;

/// <param name="Comment">for whoever approves, at most 2,000 characters</param>
public sealed record ApiSubmit(string? Comment = null);

/// <summary>Campaigns: read them, create drafts, change them, submit them for approval.</summary>
public static class CampaignsApi
{
    private const string Json = "application/json";

    public static RouteGroupBuilder MapCampaignsApi(this RouteGroupBuilder api)
    {
        var campaigns = api.MapGroup("/campaigns").WithTags("Campaigns");
        campaigns.MapGet("", ListAsync).RequireScope(ApiScopes.CampaignsRead).WithName("listCampaigns").WithSummary("Campaigns, the newest first")
            .WithExample(CampaignExamples.Page);
        campaigns.MapGet("/{id:long}", OneAsync).RequireScope(ApiScopes.CampaignsRead).WithName("getCampaign")
            .WithSummary("One campaign: definition, seven stages, counts").WithDescription("The ETag stands for the definition alone: it changes when somebody changes the draft, not when a stage advances.")
            .WithExample(CampaignExamples.Campaign);
        campaigns.MapPost("", CreateAsync).RequireScope(ApiScopes.CampaignsWrite).Accepts<CampaignFile>(Json).WithName("createCampaign")
            .WithSummary("Creates a draft").WithDescription("The body is that of `pimm campaigns create`; docs/campaigns.md has every field. Model lines are made when they are new. Location says where the draft is, ETag stands for its definition.")
            .WithExample(CampaignExamples.Campaign, CampaignExamples.Request).ProducesProblem(StatusCodes.Status409Conflict);
        campaigns.MapPut("/{id:long}", ReplaceAsync).RequireScope(ApiScopes.CampaignsWrite).Accepts<CampaignFile>(Json).WithName("replaceCampaign")
            .WithSummary("Replaces a draft's definition").WithDescription("Only while its customers are not split and nobody is asked to approve it. An approval of the definition before is revoked.")
            .WithExample(CampaignExamples.Campaign, CampaignExamples.Request)
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed).ProducesProblem(StatusCodes.Status428PreconditionRequired);
        campaigns.MapPost("/{id:long}/submit", SubmitAsync).RequireScope(ApiScopes.CampaignsWrite).WithName("submitCampaign")
            .WithSummary("Submits a draft for approval").WithDescription("Recorded with the definition's hash, and locked until somebody decides. Waves are selected and exported only once a person other than its author has approved it: approving is for people, on the page Approvals or by `pimm approvals`, never for a key. The same definition again is no second submission.")
            .WithExample(CampaignExamples.Submission, new ApiSubmit("As agreed on Monday"))
            .ProducesProblem(StatusCodes.Status412PreconditionFailed);
        return api;
    }

    private static async Task<Ok<ApiPage<ApiCampaignSummary>>> ListAsync(
        CampaignStore campaigns, CancellationToken cancellationToken, string? search = null, string? state = null, int? limit = null, long? after = null)
    {
        if (state is not null && !CampaignStates.All.Contains(state))
        {
            throw new InputException($"state is \"{state}\": choose {string.Join(", ", CampaignStates.All)}.");
        }
        var rows = ApiQuery.Limit(limit);
        var found = await campaigns.ListAfterAsync(after, rows + 1, search ?? "", state, cancellationToken);
        return TypedResults.Ok(ApiPage<ApiCampaignSummary>.Of(found, rows, ApiCampaignSummary.Of, campaign => campaign.Id));
    }

    private static async Task<Results<Ok<ApiCampaign>, ProblemHttpResult>> OneAsync(
        long id, HttpContext context, DefinitionStore definitions, CampaignView view, CancellationToken cancellationToken)
    {
        if (await definitions.FindAsync(id, cancellationToken) is not { } definition)
        {
            return ApiProblem.NotFound($"campaign {id}");
        }
        ApiTag.Set(context, definition.Tag);
        return TypedResults.Ok(await view.ReadAsync(definition, cancellationToken));
    }

    private static async Task<Created<ApiCampaign>> CreateAsync(
        HttpContext context, CampaignDrafts drafts, DefinitionStore definitions, CampaignView view, CancellationToken cancellationToken)
    {
        var file = await ReadAsync(context.Request, cancellationToken);
        var actor = ApiCaller.Of(context).Actor;
        var id = await drafts.CreateAsync(file, actor, actor, cancellationToken);
        var made = (await definitions.FindAsync(id, cancellationToken))!;
        ApiTag.Set(context, made.Tag);
        return TypedResults.Created($"{ApiServices.Prefix}/campaigns/{id}", await view.ReadAsync(made, cancellationToken));
    }

    private static async Task<Results<Ok<ApiCampaign>, ProblemHttpResult>> ReplaceAsync(
        long id, HttpContext context, CampaignDrafts drafts, CampaignView view, CancellationToken cancellationToken, [FromHeader(Name = "If-Match")] string? ifMatch = null)
    {
        if (ifMatch is null)
        {
            return ApiProblem.Of(
                StatusCodes.Status428PreconditionRequired, "no-if-match", "If-Match is needed", $"Send the ETag of the campaign that you have read as If-Match: GET {ApiServices.Prefix}/campaigns/{id} answers it.");
        }
        var file = await ReadAsync(context.Request, cancellationToken);
        var change = await drafts.ReplaceAsync(id, ApiTag.Parse(ifMatch), file, ApiCaller.Of(context).Actor, cancellationToken);
        switch (change.Outcome)
        {
            case DraftOutcome.Missing: return ApiProblem.NotFound($"campaign {id}");
            case DraftOutcome.Split: return Split(id);
            case DraftOutcome.InReview: return InReview(id);
            case DraftOutcome.Stale: return Stale(context, change.Current!, change.Differences);
        }
        ApiTag.Set(context, change.Current!.Tag);
        return TypedResults.Ok(await view.ReadAsync(change.Current, cancellationToken));
    }

    private static async Task<Results<Ok<ApiSubmission>, ProblemHttpResult>> SubmitAsync(
        long id, ApiSubmit? wish, HttpContext context, DefinitionStore definitions, ApprovalDesk desk, NpgsqlDataSource database,
        CancellationToken cancellationToken, [FromHeader(Name = "If-Match")] string? ifMatch = null)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await definitions.LockAsync(connection, id) is not { } current)
        {
            return ApiProblem.NotFound($"campaign {id}");
        }
        if (ifMatch is not null && ApiTag.Parse(ifMatch) != current.Tag)
        {
            return Stale(context, current, []);
        }
        await desk.SubmitAsync(connection, current, ApiCaller.Of(context).Actor, wish?.Comment);
        var life = (await LifeRow.FindAsync(connection, id))!;
        await transaction.CommitAsync(cancellationToken);
        ApiTag.Set(context, current.Tag);
        return TypedResults.Ok(ApiSubmission.Of(life)!);
    }

    private static async Task<CampaignFile> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        using var text = new StreamReader(request.Body);
        return CampaignFile.Parse(await text.ReadToEndAsync(cancellationToken), "The body");
    }

    private static ProblemHttpResult Split(long id) => ApiProblem.Of(
        StatusCodes.Status409Conflict, "campaign-split", "The campaign is running", $"The customers of campaign {id} are split: its definition is never changed. Start it again as another campaign, with a salt of its own.");

    private static ProblemHttpResult InReview(long id) => ApiProblem.Of(
        StatusCodes.Status409Conflict, "campaign-in-review", "The campaign is in review", $"Campaign {id} waits for approval and is locked: POST {ApiServices.Prefix}/campaigns/{id}/withdraw, change it, and submit it again.");

    private static ProblemHttpResult Stale(HttpContext context, CampaignDefinition current, IReadOnlyList<string> differences)
    {
        ApiTag.Set(context, current.Tag);
        return ApiProblem.Of(
            StatusCodes.Status412PreconditionFailed, "changed-meanwhile", "Somebody changed it meanwhile",
            "The campaign is not the one that If-Match names: look at current and differences, and send the change again with the new ETag.",
            more: [new("etag", ApiTag.Quote(current.Tag)), new("differences", differences), new("current", current.File)]);
    }
}
