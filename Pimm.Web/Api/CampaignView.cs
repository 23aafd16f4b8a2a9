using System.Text.Json;
using Npgsql;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Scoring;

namespace Pimm.Web.Api;

/// <summary>One row of the list of campaigns.</summary>
/// <param name="Simulated">its audience is made up</param>
/// <param name="State">draft (it can be changed), running (its customers are split) or finished (all seven stages are done)</param>
/// <param name="StagesDone">how many of the seven stages are done</param>
/// <param name="CurrentStage">the first stage that is not done; null when all are</param>
/// <param name="Busy">a run of this campaign is queued or running</param>
public sealed record ApiCampaignSummary(
    long Id, string Name, string Audience, bool Simulated, string State, DateOnly StartsOn, int Days, long StagesDone, string? CurrentStage, bool Busy)
{
    public static ApiCampaignSummary Of(CampaignSummary campaign) => new(
        campaign.Id, campaign.Name, campaign.Audience, campaign.Simulated, campaign.State, campaign.StartsOn, campaign.Days, campaign.StagesDone,
        campaign.CurrentStage, campaign.Busy);
}

/// <summary>One of the seven stages.</summary>
/// <param name="State">waiting, queued, running, done, failed or cancelled</param>
/// <param name="Quantity">what it has made so far, counted in Unit</param>
/// <param name="RunId">its newest run; null before the first</param>
/// <param name="Progress">0 to 1 while it runs</param>
public sealed record ApiStage(string Stage, string State, DateTimeOffset? DoneAt, long Quantity, string Unit, long? RunId, float? Progress, string? Message, string? Error)
{
    public static ApiStage Of(CampaignStage stage) => new(
        stage.Stage, stage.State, stage.DoneAt, stage.Quantity, stage.Unit, stage.RunId, stage.Progress, stage.Message, stage.Error?.Split('\n')[0]);
}

/// <param name="Step">what was asked of the customers</param>
/// <param name="Customers">how many were left after it</param>
public sealed record ApiEligibilityStep(string Step, long Customers);

/// <summary>How many customers the campaign has.</summary>
/// <param name="Eligible">who was left after each step, first everybody; empty before the campaign is scored</param>
/// <param name="Control">eligible customers of the control arm; null before the split</param>
/// <param name="Note">what to know where the arms differ in size</param>
public sealed record ApiCounts(IReadOnlyList<ApiEligibilityStep> Eligible, long? Control, long? Treatment, string? Note)
{
    public static ApiCounts Of(ScoringRun? scoring, Allocation? allocation) => new(
        scoring is null ? [] : JsonSerializer.Deserialize<ApiEligibilityStep[]>(scoring.Exclusions, JsonSerializerOptions.Web)!,
        allocation?.ControlCustomers, allocation?.TreatmentCustomers, allocation?.UnequalArms);
}

/// <summary>A request that the definition be approved.</summary>
/// <param name="State">in review, approved, changes requested, withdrawn, or void: the campaign was changed since and must be submitted again</param>
/// <param name="DefinitionSha256">of the definition as it was submitted</param>
/// <param name="DecidedBy">null: nobody has decided yet</param>
/// <param name="DecisionComment">what whoever decided said</param>
/// <param name="Note">what becomes of it</param>
public sealed record ApiSubmission(
    long Id, string State, string DefinitionSha256, string SubmittedBy, DateTimeOffset SubmittedAt, string? Comment, string? DecidedBy, DateTimeOffset? DecidedAt,
    string? DecisionComment, string Note)
{
    public static ApiSubmission? Of(LifeRow life) => life.SubmissionId is not { } id ? null : new(
        id, life.Approval, Convert.ToHexStringLower(life.DefinitionSha256!), life.SubmittedBy!, life.SubmittedAt!.Value, life.SubmittedComment, life.DecidedBy, life.DecidedAt,
        life.DecidedComment, NoteOf(life.Approval));

    private static string NoteOf(string approval) => approval switch
    {
        ApprovalStates.InReview => "It is locked until a person other than its author decides, or it is withdrawn.",
        ApprovalStates.Approved => "Waves are selected and exported under this approval; any change of the definition revokes it.",
        ApprovalStates.ChangesRequested => "Changes were requested: change it and submit it again.",
        ApprovalStates.Withdrawn => "The submission was withdrawn: submit it again.",
        _ => "The campaign was changed since: submit it again.",
    };
}

/// <summary>A campaign with everything that was decided about it.</summary>
/// <param name="CreatedBy">a name of the operating system, or key:PREFIX</param>
/// <param name="CopyOf">the campaign that it restarts</param>
/// <param name="Definition">what the request that made it would have to say, every default written out</param>
/// <param name="DefinitionSha256">SHA-256 of the definition; its first 32 digits are the ETag</param>
/// <param name="Life">draft, in review, changes requested, approved, scheduled, running, paused, completed or stopped</param>
/// <param name="Submission">the newest one; null: it was never submitted</param>
public sealed record ApiCampaign(
    long Id, string State, string Life, string CreatedBy, DateTimeOffset CreatedAt, long? CopyOf, CampaignFile Definition, string DefinitionSha256,
    ApiSubmission? Submission, IReadOnlyList<ApiStage> Stages, ApiCounts Counts);

/// <summary>Reads a campaign with its stages, counts and submission.</summary>
public sealed class CampaignView(CampaignStore campaigns, AllocationStore allocations, ScoringStore scorings, NpgsqlDataSource database)
{
    public async Task<ApiCampaign> ReadAsync(CampaignDefinition definition, CancellationToken cancellationToken)
    {
        var campaign = definition.Campaign;
        var stages = await campaigns.StagesAsync(campaign.Id, cancellationToken);
        var allocation = await allocations.FindAsync(campaign.Id, cancellationToken);
        var scoring = allocation is null ? await scorings.NewestAsync(campaign.Id, cancellationToken) : await scorings.FindAsync(allocation.ScoringId, cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var life = (await LifeRow.FindAsync(connection, campaign.Id))!;
        return new ApiCampaign(
            campaign.Id, State(definition, stages), life.State, campaign.CreatedBy, campaign.CreatedAt, campaign.CopyOf, definition.File, Convert.ToHexStringLower(definition.Sha256),
            ApiSubmission.Of(life), [.. stages.Select(ApiStage.Of)], ApiCounts.Of(scoring, allocation));
    }

    private static string State(CampaignDefinition definition, IReadOnlyList<CampaignStage> stages) =>
        stages.All(stage => stage.State == "done") ? CampaignStates.Finished : definition.Split ? CampaignStates.Running : CampaignStates.Draft;
}
