using System.Globalization;
using Microsoft.Extensions.Options;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Safetensors;

namespace Pimm.Core.Exporting;

/// <summary>Where audience lists are written.</summary>
public sealed class ExportingOptions
{
    /// <summary>Folder of the lists, made when missing. Default "exports" below the working folder.</summary>
    public string Folder { get; set; } = "exports";
}

/// <summary>
/// Writes a wave's two audience lists as files, one an arm. The same wave gives the same bytes whenever it is written;
/// a list is complete or absent (temporary file, flush, rename).
/// </summary>
public sealed class ExportWave(
    CampaignStore campaigns, AudienceStore audiences, AllocationStore allocations, ExportStore exports, IOptions<ExportingOptions> options) : IJob
{
    public const string JobKind = "export";

    /// <summary>The plain channel profile: one pseudonymous key a line, no score, income or segment words.</summary>
    public const string GenericCsv = "generic-csv";

    public string Kind => JobKind;

    public string? WritesTo => options.Value.Folder;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var campaign = await campaigns.GetAsync(run.RequiredCampaignId, cancellationToken);
        var audience = await audiences.GetAsync(campaign.AudienceId, cancellationToken);
        var waves = await allocations.WavesAsync(campaign.Id, cancellationToken);
        var written = await exports.ListsAsync(campaign.Id, cancellationToken);
        // Without a date: every wave whose lists are not there yet.
        var due = run.LogicalDate is { } date
            ? waves.Where(w => w.WaveDate == date).ToList()
            : waves.Where(w => !written.Any(l => l.WaveDate == w.WaveDate)).ToList();
        if (due.Count == 0 && run.LogicalDate is { } without && run.ReadArguments<WaveRequest>().OnItsDayOnly)
        {
            await run.CompleteAsync(new { lists = Array.Empty<string>(), note = $"nothing to do: {without:yyyy-MM-dd} was over before its wave could be selected" }, null, cancellationToken);
            return;
        }
        if (due.Count == 0)
        {
            throw new InputException(run.LogicalDate is { } missing
                ? $"Campaign \"{campaign.Name}\" has no wave on {missing:yyyy-MM-dd}: allocate it first."
                : $"Campaign \"{campaign.Name}\" has no wave without lists: allocate one first.");
        }

        var lists = new List<ExportedList>();
        foreach (var wave in due)
        {
            run.Report((double)lists.Count / (2 * due.Count), $"writing the lists of {wave.WaveDate:yyyy-MM-dd}");
            for (var arm = 0; arm <= 1; arm++)
            {
                lists.Add(await WriteAsync(run, campaign, audience, wave, arm, cancellationToken));
            }
        }

        await run.CompleteAsync(
            new { lists = lists.Select(l => new { l.FileName, l.Rows, l.Bytes }) },
            async connection =>
            {
                foreach (var list in lists)
                {
                    await exports.AddAsync(connection, list, run.RunId);
                }
            }, cancellationToken);
    }

    private async Task<ExportedList> WriteAsync(JobExecution run, Campaign campaign, Audience audience, Wave wave, int arm, CancellationToken cancellationToken)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"c{campaign.Id}-{wave.WaveDate:yyyyMMdd}-{(arm == 0 ? 'a' : 'b')}.csv");
        var folder = Directory.CreateDirectory(options.Value.Folder).FullName;
        // A name of this attempt's own: one that was given up may still be writing its.
        var temporary = Path.Combine(folder, $"{name}.{run.RunId}-{run.Fence}.tmp");
        try
        {
            var keys = exports.KeysAsync(campaign, audience, wave.WaveDate, arm, cancellationToken);
            var (rows, bytes, sha256) = await ListFile.WriteAsync(temporary, campaign.Id, wave.WaveDate, keys, cancellationToken);
            if (rows != wave.Impressions)
            {
                throw new InvalidOperationException($"The list of arm {arm} on {wave.WaveDate:yyyy-MM-dd} has {rows} customers where the wave exports {wave.Impressions}: nothing was written.");
            }
            var list = new ExportedList(campaign.Id, wave.WaveDate, (short)arm, GenericCsv, name, rows, bytes, sha256, default);
            await RefuseOtherContentAsync(list, cancellationToken);
            await run.ConfirmLeaseAsync(cancellationToken);
            DurableFile.Rename(temporary, Path.Combine(folder, name));
            FaultPoint.Reach("export.renamed");
            RemoveLeftovers(folder, $"{name}.{run.RunId}-", run.Fence);
            return list;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>A channel may have the list already: what was handed out under its name is never replaced by something else.</summary>
    private async Task RefuseOtherContentAsync(ExportedList list, CancellationToken cancellationToken)
    {
        if (await exports.FindAsync(list.CampaignId, list.WaveDate, list.Arm, list.Channel, cancellationToken) is { } before && !before.Sha256.AsSpan().SequenceEqual(list.Sha256))
        {
            throw new InputException(
                $"The list {list.FileName} was exported with the hash {Convert.ToHexStringLower(before.Sha256)[..12]}… and would now have {Convert.ToHexStringLower(list.Sha256)[..12]}…, so plans or customers were altered meanwhile: "
                + "the file was left as it was; find out what changed them.");
        }
    }

    // Of earlier attempts of this run. Another run may be writing its own; what is left of runs that died for good is retention's.
    private static void RemoveLeftovers(string folder, string prefix, long fence)
    {
        foreach (var leftover in Directory.EnumerateFiles(folder, $"{prefix}*.tmp"))
        {
            if (long.TryParse(Path.GetFileNameWithoutExtension(leftover)[prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var of) && of < fence)
            {
                File.Delete(leftover);
            }
        }
    }
}
