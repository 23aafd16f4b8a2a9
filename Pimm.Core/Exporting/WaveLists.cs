using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Allocating;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Core.Exporting;

/// <param name="Before">arms that have lists in this channel already</param>
/// <param name="IsNew">some of the lists were never written: that needs a standing approval</param>
internal sealed record WaveListsOrder(
    Campaign Campaign, Audience Audience, ChannelProfile Profile, IReadOnlyList<Wave> Waves, IReadOnlySet<short> Before, string? By, bool IsNew);

/// <summary>The lists of some waves: the files first, then all of them in one transaction, with the audit.</summary>
public sealed class WaveLists(
    NpgsqlDataSource database, ExportStore exports, ListWriter writer, StandingApproval approval, IOptions<ExportingOptions> options, TimeProvider time)
{
    internal string Folder => options.Value.Folder;

    internal StandingApproval Approval => approval;

    /// <summary>Waves whose lists name customers that may not be contacted any more and that no file has taken back.</summary>
    internal async Task<IReadOnlySet<DateOnly>> WavesToReviseAsync(Campaign campaign, Audience audience, ChannelProfile profile, CancellationToken cancellationToken)
    {
        var found = new HashSet<DateOnly>();
        for (short arm = 0; arm <= 1; arm++)
        {
            await using var reader = await ListReader.OpenAsync(database, new ListSpec(campaign, audience, default, arm, profile), cancellationToken);
            found.UnionWith(await reader.WavesToRemoveFromAsync(cancellationToken));
        }
        return found;
    }

    internal async Task WriteAsync(JobExecution run, WaveListsOrder order, CancellationToken cancellationToken)
    {
        try
        {
            await WriteAndPublishAsync(run, order, cancellationToken);
        }
        catch (Exception ended) when (ended is InputException or OperationCanceledException)
        {
            await TakeBackAsync(order);
            throw;
        }
        await RemoveReplacedAsync(order.Campaign.Id, cancellationToken);
    }

    private async Task WriteAndPublishAsync(JobExecution run, WaveListsOrder order, CancellationToken cancellationToken)
    {
        var (written, by, at) = (new List<WrittenList>(), order.By ?? $"run:{run.RunId}", time.GetUtcNow());
        if (order.IsNew)
            await approval.DemandEarlyAsync(order.Campaign.Id, cancellationToken);
        var approvedBy = await approval.ApprovedByAsync(order.Campaign.Id, cancellationToken);
        var taken = new[] { new HashSet<(DateOnly, Guid)>(), new HashSet<(DateOnly, Guid)>() };
        foreach (var wave in order.Waves)
        {
            run.Report((double)written.Count / (2 * order.Waves.Count), $"writing the lists of {wave.WaveDate:yyyy-MM-dd}");
            var first = wave == order.Waves[0];
            var lists = await Task.WhenAll(((short[])[0, 1]).Select(arm =>
            {
                var list = new ListSpec(order.Campaign, order.Audience, wave.WaveDate, arm, order.Profile);
                return Task.Run(() => writer.WriteAsync(run, new ListOrder(list, wave.Impressions, taken[arm], !first || order.Before.Contains(arm), by, approvedBy), at, cancellationToken), cancellationToken);
            }));
            foreach (var list in lists)
                taken[list.List.Arm].UnionWith(list.Withheld.Where(customer => customer.RemovedWith is not null).Select(customer => (customer.WaveDate, customer.Customer)));
            written.AddRange(lists);
        }
        Report(run, written);
        await run.CompleteAsync(
            new { channel = order.Profile.Name, lists = written.Select(list => new { list.List.FileName, list.List.Rows, list.List.Bytes, list.List.Withheld, list.List.Unlisted, list.List.Revision }) },
            connection => PublishAsync(connection, run, order, written, by, at, cancellationToken), cancellationToken);
    }

    private async Task PublishAsync(
        NpgsqlConnection connection, JobExecution run, WaveListsOrder order, IReadOnlyList<WrittenList> written, string by, DateTimeOffset at, CancellationToken cancellationToken)
    {
        if (order.IsNew)
            await approval.DemandAsync(connection, order.Campaign.Id);
        await ExportStore.AddAsync(connection, written, run.RunId, at, cancellationToken);
        foreach (var list in written.Where(list => list.IsNew))
            await AuditLog.AddAsync(connection, Entry(by, list.List));
        foreach (var list in written.Where(list => list.Refusal is not null && list.Beside.Count > 0))
            await AuditLog.AddAsync(connection, new AuditEntry(by, "list.remove", "list", list.Beside[0].FileName, After: new { list.List.FileName, list.Beside[0].Rows, Customers = list.Withheld.Count }));
    }

    /// <summary>
    /// A list has its name before its row: of a campaign that was stopped or paused in between, nobody would ever record it. No other
    /// run can publish then; what was recorded stays.
    /// </summary>
    private async Task TakeBackAsync(WaveListsOrder order)
    {
        if (!order.IsNew || await approval.RestsAsync(order.Campaign.Id, CancellationToken.None) is null || !Directory.Exists(Folder))
            return;
        var recorded = await exports.FileNamesAsync(order.Campaign.Id, CancellationToken.None);
        foreach (var name in order.Waves.SelectMany(wave => ((short[])[0, 1]).Select(arm => ListNames.Of(order.Campaign, order.Profile, wave.WaveDate, arm))))
        {
            foreach (var path in Directory.EnumerateFiles(Folder, name + "*").Where(path => !recorded.Contains(Path.GetFileName(path))))
                File.Delete(path);
        }
    }

    /// <exception cref="InputException">a list was refused, and nothing else came of the run either</exception>
    private static void Report(JobExecution run, IReadOnlyList<WrittenList> written)
    {
        foreach (var warning in written.Where(list => list.IsNew).SelectMany(list => list.List.ReadManifest()!.Warnings.Select(warning => $"{list.List.FileName}: {warning}")))
            run.Warn(warning);
        var refused = written.Where(list => list.Refusal is not null).ToList();
        if (refused.Count > 0 && !written.Any(list => list.IsNew || list.Refusal is not null && list.Beside.Count > 0))
            throw new InputException(refused[0].Refusal!);
        foreach (var list in refused)
            run.Warn(list.Refusal!);
    }

    private static AuditEntry Entry(string by, ExportedList list) => new(by, "list.export", "list", list.FileName, After: new
    {
        list.CampaignId, list.WaveDate, list.Arm, list.Channel, list.Revision, list.Rows, list.Withheld, list.Unlisted, Sha256 = Convert.ToHexStringLower(list.Sha256),
    });

    /// <summary>Of this run, and of one that died here: they name customers who may not be contacted.</summary>
    private async Task RemoveReplacedAsync(long campaignId, CancellationToken cancellationToken)
    {
        foreach (var file in await exports.ReplacedAsync(campaignId, cancellationToken))
        {
            try
            {
                File.Delete(Path.Combine(Folder, file.FileName));
                await exports.MarkRemovedAsync(file, cancellationToken);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The lists are written; the next export of the campaign tries again, and so does retention.
            }
        }
    }
}
