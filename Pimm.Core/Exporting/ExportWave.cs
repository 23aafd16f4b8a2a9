using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Pimm.Core.Allocating;
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
        var keys = await exports.KeysAsync(campaign, audience, wave.WaveDate, arm, cancellationToken);
        if (keys.Count != wave.Impressions)
        {
            throw new InvalidOperationException($"The list of arm {arm} on {wave.WaveDate:yyyy-MM-dd} has {keys.Count} customers where the wave exports {wave.Impressions}: nothing was written.");
        }

        var content = Encoding.UTF8.GetBytes(Content(campaign, wave, keys));
        var name = string.Create(CultureInfo.InvariantCulture, $"c{campaign.Id}-{wave.WaveDate:yyyyMMdd}-{(arm == 0 ? 'a' : 'b')}.csv");
        await SaveAsync(run, Path.Combine(options.Value.Folder, name), content, cancellationToken);
        return new ExportedList(campaign.Id, wave.WaveDate, (short)arm, GenericCsv, name, keys.Count, content.Length, SHA256.HashData(content), default);
    }

    /// <summary>What a channel gets: a header and one line a customer.</summary>
    public static string Content(Campaign campaign, Wave wave, IReadOnlyList<string> keys)
    {
        var text = new StringBuilder("customer,campaign,wave\n");
        foreach (var key in keys)
        {
            text.Append(Quoted(key)).Append(CultureInfo.InvariantCulture, $",{campaign.Id},{wave.WaveDate:yyyy-MM-dd}\n");
        }
        return text.ToString();
    }

    private static string Quoted(string value) =>
        value.AsSpan().IndexOfAny(",\"\n\r") < 0 ? value : $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static async Task SaveAsync(JobExecution run, string path, byte[] content, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        // A name of this attempt's own: one that was given up may still be writing its.
        var temporary = $"{path}.{run.RunId}-{run.Fence}.tmp";
        await using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            await file.WriteAsync(content, cancellationToken);
            file.Flush(flushToDisk: true);
        }
        await run.ConfirmLeaseAsync(cancellationToken);
        File.Move(temporary, path, overwrite: true);
    }
}
