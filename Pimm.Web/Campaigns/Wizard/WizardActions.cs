using System.Globalization;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Approving;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Web.Security;

namespace Pimm.Web.Campaigns.Wizard;

/// <param name="CampaignId">the campaign that was submitted; null: somebody changed it meanwhile, or its customers are split</param>
public sealed record Submitted(long? CampaignId, DraftChange? Refused);

/// <summary>Counting: who would be eligible, and whether one customer is. Each asks whether the person may.</summary>
public sealed class EligibilityQuestions(WorkPermit permit, EligibilityCounter counter, CountLimit limit, AuditLog audit)
{
    /// <exception cref="InputException">the person may not, or asks too often, or nothing can be counted</exception>
    public async Task<EligibilityForecast> CountAsync(ClaimsPrincipal person, Campaign campaign, CancellationToken cancellationToken)
    {
        limit.Take(await permit.DemandAsync(person, Right.DefineCampaigns));
        var profile = ChannelProfile.Get(campaign.Channel);
        return await counter.CountAsync(campaign, profile.NeedsIdentifier ? [.. profile.Kinds.Select(kind => (short)kind)] : null, cancellationToken);
    }

    /// <exception cref="InputException">as above</exception>
    public async Task<IReadOnlyList<SampledCustomer>> SampleAsync(ClaimsPrincipal person, Campaign campaign, int most, CancellationToken cancellationToken)
    {
        limit.Take(await permit.DemandAsync(person, Right.DefineCampaigns));
        return await counter.SampleAsync(campaign, most, cancellationToken);
    }

    /// <summary>The log says that somebody asked about a customer of the audience, and not about whom.</summary>
    /// <exception cref="InputException">as above</exception>
    public async Task<EligibilityAnswer> AskAsync(ClaimsPrincipal person, Campaign campaign, string audience, string key, CancellationToken cancellationToken)
    {
        var name = await permit.DemandAsync(person, Right.DefineCampaigns);
        limit.Take(name);
        await audit.AddAsync(new AuditEntry(AuditActor.User(name), "customer.check-eligibility", "audience", audience), cancellationToken);
        return await counter.AskAsync(campaign, key, cancellationToken);
    }
}

/// <summary>What a person does with an unfinished campaign.</summary>
public sealed class WizardActions(WorkPermit permit, UnfinishedCampaignStore unfinished, CampaignDrafts drafts, ApprovalDesk desk, JobQueue queue)
{
    /// <summary>Keeps what was typed.</summary>
    /// <returns>the row's id; 0: it was thrown away or submitted meanwhile</returns>
    /// <exception cref="InputException">the person may not</exception>
    public async Task<long> SaveAsync(ClaimsPrincipal person, UnfinishedCampaign draft) =>
        await unfinished.SaveAsync(draft with { Owner = await permit.DemandAsync(person, Right.DefineCampaigns) });

    /// <exception cref="InputException">the person may not</exception>
    public async Task DiscardAsync(ClaimsPrincipal person, long draft) => await unfinished.DeleteAsync(draft, await permit.DemandAsync(person, Right.DefineCampaigns));

    /// <summary>Makes the campaign, or changes it, and submits its definition for approval.</summary>
    /// <exception cref="InputException">the person may not, or the description cannot be used</exception>
    public async Task<Submitted> SubmitAsync(ClaimsPrincipal person, UnfinishedCampaign draft, CampaignFile file, ChosenLines lines, string? comment)
    {
        var name = await permit.DemandAsync(person, Right.DefineCampaigns);
        // Refused before anything is made.
        if (comment?.Length > ApprovalDesk.LongestComment)
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture, $"The comment has {comment.Length:N0} characters: give it at most {ApprovalDesk.LongestComment:N0}."));
        }
        var actor = AuditActor.User(name);
        var id = draft.CampaignId;
        if (id is null)
        {
            id = await drafts.CreateAsync(file, name, actor, lines: lines);
        }
        else if (await drafts.ReplaceAsync(id.Value, draft.BaseTag!, file, actor, lines: lines) is { Outcome: not DraftOutcome.Changed } refused)
        {
            return new Submitted(null, refused);
        }
        // Made is made: what cannot be submitted now is submitted from the campaign's own page.
        await unfinished.DeleteAsync(draft.Id, name);
        await desk.SubmitAsync(id.Value, actor, comment);
        return new Submitted(id, null);
    }

    /// <summary>Asks for a comparison of two champions; the same question again is the same run.</summary>
    /// <param name="versions">of both champions and of the audience: with others it is another question</param>
    /// <exception cref="InputException">the person may not</exception>
    public async Task<long> CompareAsync(ClaimsPrincipal person, OverlapRequest request, string versions)
    {
        var name = await permit.DemandAsync(person);
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{JsonSerializer.Serialize(request)} {versions}")).AsSpan(0, 16));
        var run = await queue.EnqueueAsync(new JobRequest(MeasureOverlap.JobKind, key, request, MaxAttempts: 1), AuditActor.User(name));
        if ((await queue.GetAsync(run)).State is JobStates.Failed or JobStates.Cancelled)
        {
            await queue.RetryAsync(run, AuditActor.User(name));
        }
        return run;
    }
}
