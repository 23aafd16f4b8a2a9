using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Allocating;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Core.Exporting;

/// <summary>Where audience lists are written.</summary>
public sealed class ExportingOptions
{
    /// <summary>Folder of the lists, made when missing. Default "exports" below the working folder.</summary>
    public string Folder { get; set; } = "exports";
}

/// <summary>What an export may be told.</summary>
/// <param name="Channel">profile of the lists; null: the campaign's</param>
/// <param name="By">who asked for it, as cli:ann; null: the run itself</param>
/// <param name="OnItsDayOnly">when the wave's day was over before it could be selected, there is nothing to do; for runs that nobody watches</param>
public sealed record ExportRequest(string? Channel = null, string? By = null, bool OnItsDayOnly = false);

/// <summary>
/// Writes a wave's two audience lists as files, one an arm. The same wave gives the same bytes whenever it is written;
/// a list is complete or absent (temporary file, flush, rename). Without a day: every wave without lists, or, where there is none,
/// those of whose customers some may not be contacted any more.
/// </summary>
public sealed class ExportWave(CampaignStore campaigns, AudienceStore audiences, AllocationStore allocations, ExportStore exports, WaveLists lists) : IJob
{
    public const string JobKind = "export";

    public string Kind => JobKind;

    public string? WritesTo => lists.Folder;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.ReadArguments<ExportRequest>();
        var campaign = await campaigns.GetAsync(run.RequiredCampaignId, cancellationToken);
        var profile = ChannelProfile.Get(request.Channel ?? campaign.Channel);
        var audience = await audiences.GetAsync(campaign.AudienceId, cancellationToken);
        var waves = await allocations.WavesAsync(campaign.Id, cancellationToken);
        var written = (await exports.ListsAsync(campaign.Id, cancellationToken)).Where(list => list.Channel == profile.Name).ToList();
        var due = run.LogicalDate is { } date
            ? waves.Where(w => w.WaveDate == date).ToList()
            : waves.Where(w => !written.Any(l => l.WaveDate == w.WaveDate)).ToList();
        if (due.Count == 0 && run.LogicalDate is null)
        {
            var altered = await lists.WavesToReviseAsync(campaign, audience, profile, cancellationToken);
            due = waves.Where(wave => altered.Contains(wave.WaveDate)).ToList();
        }
        if (request.OnItsDayOnly && await NothingToDoAsync(campaign, due.Count > 0 ? null : run.LogicalDate, cancellationToken) is { } reason)
        {
            await run.CompleteAsync(new { lists = Array.Empty<string>(), note = $"nothing to do: {reason}" }, null, cancellationToken);
            return;
        }
        if (due.Count == 0)
        {
            throw new InputException(run.LogicalDate is { } missing
                ? $"Campaign \"{campaign.Name}\" has no wave on {missing:yyyy-MM-dd}: allocate it first."
                : waves.Count == 0 ? $"Campaign \"{campaign.Name}\" has no wave yet: allocate one first."
                : $"Campaign \"{campaign.Name}\" has no wave without lists for {profile.Name}, and nobody on those lists is to be taken off: allocate the next wave, or name one with --date to write its lists again.");
        }
        // A list that a channel has already is written again, or without people who may not be contacted any more, whatever became of the approval.
        var isNew = due.Any(wave => written.Count(list => list.WaveDate == wave.WaveDate) < 2);
        await lists.WriteAsync(run, new WaveListsOrder(campaign, audience, profile, due, written.Select(list => list.Arm).ToHashSet(), request.By, isNew), cancellationToken);
    }

    /// <param name="missing">the day that has no wave; null: there is one</param>
    private async Task<string?> NothingToDoAsync(Campaign campaign, DateOnly? missing, CancellationToken cancellationToken) =>
        await lists.Approval.RestsAsync(campaign.Id, cancellationToken) is { } rests ? $"the campaign is {rests}"
        : missing is null ? null : $"{missing:yyyy-MM-dd} was over before its wave could be selected";
}
