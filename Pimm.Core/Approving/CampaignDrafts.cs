using System.Globalization;
using System.Text.Json;
using Npgsql;
using Pimm.Core.Allocating;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Scoring;
using Pimm.Core.Training;

namespace Pimm.Core.Approving;

/// <summary>What became of a change.</summary>
public enum DraftOutcome
{
    Changed,

    /// <summary>There is no such campaign.</summary>
    Missing,

    /// <summary>Somebody changed it since the caller read it.</summary>
    Stale,

    /// <summary>Its customers are split already.</summary>
    Split,

    /// <summary>It waits for approval: whoever wants to change it withdraws it first.</summary>
    InReview,
}

/// <param name="Current">as it is now; null where it is missing</param>
/// <param name="Differences">fields in which the refused description differs from the current one</param>
public sealed record DraftChange(DraftOutcome Outcome, CampaignDefinition? Current, IReadOnlyList<string> Differences);

/// <summary>Two lines of the audience that are meant whatever they are called; a description knows them by network and settings alone.</summary>
public sealed record ChosenLines(long? Control, long? Treatment);

/// <summary>Makes campaigns out of descriptions and changes them, until their customers are split.</summary>
public sealed class CampaignDrafts(DefinitionStore definitions, CampaignStore campaigns, AudienceStore audiences, ModelStore models, NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>Makes a campaign; its model lines are made when they are new.</summary>
    /// <param name="by">kept with the campaign</param>
    /// <param name="actor">as the audit names whoever asks</param>
    /// <param name="lines">what was chosen among those there are; null: found by the description</param>
    /// <exception cref="InputException">the description cannot be used</exception>
    public async Task<long> CreateAsync(CampaignFile file, string by, string actor, CancellationToken cancellationToken = default, ChosenLines? lines = null)
    {
        var campaign = await PlanAsync(file, null, by, lines, cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var id = await campaigns.CreateAsync(connection, campaign, actor);
        await transaction.CommitAsync(cancellationToken);
        return id;
    }

    /// <summary>The campaign that a description would make, with no lines: enough to count who is eligible. Makes nothing.</summary>
    /// <exception cref="InputException">the description cannot be used</exception>
    public async Task<Campaign> PreviewAsync(CampaignFile file, CancellationToken cancellationToken = default) =>
        (await CheckAsync(file, time.GetUtcNow(), "", cancellationToken)).Campaign;

    /// <summary>Replaces the whole description.</summary>
    /// <param name="tag">of the definition that the caller has seen: another one is not overwritten</param>
    /// <exception cref="InputException">the description cannot be used</exception>
    public async Task<DraftChange> ReplaceAsync(long id, string tag, CampaignFile file, string actor, CancellationToken cancellationToken = default, ChosenLines? lines = null)
    {
        if (await definitions.FindAsync(id, cancellationToken) is not { } seen)
        {
            return new(DraftOutcome.Missing, null, []);
        }
        var wanted = seen.Split || seen.Tag != tag ? null : await PlanAsync(file, seen, seen.Campaign.CreatedBy, lines, cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var current = (await definitions.LockAsync(connection, id))!;
        if (current.Split || current.Tag != tag || wanted is null)
        {
            return new(current.Split ? DraftOutcome.Split : DraftOutcome.Stale, current, CampaignDefinition.Differences(current.File, Normal(file, current.Campaign)));
        }
        if ((await LifeRow.FindAsync(connection, id))!.Approval == ApprovalStates.InReview)
        {
            return new(DraftOutcome.InReview, current, CampaignDefinition.Differences(current.File, Normal(file, current.Campaign)));
        }
        await campaigns.UpdateAsync(connection, wanted);
        var changed = (await definitions.LockAsync(connection, id))!;
        var difference = AuditDiff.Of(current.File, changed.File);
        if (!difference.IsEmpty)
        {
            await SubmissionStore.AddEditAsync(connection, changed, actor, time.GetUtcNow());
            await AuditLog.AddAsync(connection, new AuditEntry(
                actor, "campaign.update", "campaign", id.ToString(CultureInfo.InvariantCulture), difference.Before, difference.After));
        }
        await transaction.CommitAsync(cancellationToken);
        return new(DraftOutcome.Changed, changed, []);
    }

    // With every default written out, as the definition it is compared with.
    private static CampaignFile Normal(CampaignFile file, Campaign like) => CampaignFile.Of(
        file.ToCampaign(0, 0, 1, like.CreatedBy, like.CreatedAt), file.Audience,
        new LineDescription(file.Control, file.ControlSettings is { Count: 0 } ? null : file.ControlSettings),
        new LineDescription(file.Treatment, file.TreatmentSettings is { Count: 0 } ? null : file.TreatmentSettings));

    /// <param name="before">what the description replaces; null: nothing</param>
    private async Task<Campaign> PlanAsync(CampaignFile file, CampaignDefinition? before, string by, ChosenLines? lines, CancellationToken cancellationToken)
    {
        var (planned, audience) = await CheckAsync(file, before?.Campaign.CreatedAt ?? time.GetUtcNow(), by, cancellationToken);
        var normal = Normal(file, planned);
        var same = before?.Campaign.AudienceId == audience.Id ? before : null;
        return (planned with
        {
            Id = before?.Campaign.Id ?? 0,
            CopyOf = before?.Campaign.CopyOf,
            // A line may have been given a name of its own: what is described as before stays what it was.
            ControlLineId = lines?.Control ?? (same is not null && SameLine(same.File.Control, same.File.ControlSettings, normal.Control, normal.ControlSettings)
                ? same.Campaign.ControlLineId : await LineAsync(audience.Id, normal.Control, normal.ControlSettings, cancellationToken)),
            TreatmentLineId = lines?.Treatment ?? (same is not null && SameLine(same.File.Treatment, same.File.TreatmentSettings, normal.Treatment, normal.TreatmentSettings)
                ? same.Campaign.TreatmentLineId : await LineAsync(audience.Id, normal.Treatment, normal.TreatmentSettings, cancellationToken)),
        }).Validated();
    }

    private async Task<(Campaign Campaign, Audience Audience)> CheckAsync(CampaignFile file, DateTimeOffset at, string by, CancellationToken cancellationToken)
    {
        var audience = await audiences.FindByNameAsync(file.Audience, cancellationToken)
            ?? throw new InputException($"There is no audience named \"{file.Audience}\": import its customers first.");
        // Refused before anything is made: lines stay.
        var planned = file.ToCampaign(audience.Id, 0, 1, by, at).Validated();
        CampaignSplitter.CheckCovariates(planned, audience);
        CampaignSplitter.CheckSegments(planned.Segments ?? [], audience);
        Guardrail.Check(planned.GuardrailList(), audience.Funnel);
        AudienceFilter.Check(planned, audience);
        return (planned, audience);
    }

    private static bool SameLine(string network, Dictionary<string, string>? settings, string otherNetwork, Dictionary<string, string>? otherSettings) =>
        new LineDescription(network, settings).LineName == new LineDescription(otherNetwork, otherSettings).LineName;

    private async Task<long> LineAsync(long audienceId, string network, Dictionary<string, string>? settings, CancellationToken cancellationToken)
    {
        var name = new LineDescription(network, settings).LineName;
        if (await models.FindLineAsync(audienceId, name, cancellationToken) is { } known)
        {
            return known.Id;
        }
        try
        {
            return await models.CreateLineAsync(audienceId, name, network, JsonSerializer.Serialize(settings ?? []), cancellationToken);
        }
        catch (PostgresException taken) when (taken.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // Somebody else made the same line meanwhile.
            return (await models.FindLineAsync(audienceId, name, cancellationToken))!.Id;
        }
    }
}
