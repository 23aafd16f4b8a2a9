using Dapper;
using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Core.Exporting;

/// <summary>One list that was written for a channel.</summary>
/// <param name="Arm">0 control, 1 treatment; the file's name calls them a and b</param>
/// <param name="Withheld">customers of the wave who may not be contacted</param>
/// <param name="Unlisted">customers of the wave without an identifier that the channel takes</param>
/// <param name="Revision">above 1: written anew without customers who were withheld since</param>
/// <param name="Manifest">text of the file beside it; null: from before there were any</param>
public sealed record ExportedList(
    long CampaignId, DateOnly WaveDate, short Arm, string Channel, string FileName, long Rows, long Bytes, byte[] Sha256, DateTimeOffset ExportedAt,
    long Withheld = 0, long Unlisted = 0, int Revision = 1, string? Manifest = null)
{
    public ListManifest? ReadManifest() => Manifest is null ? null : ListManifest.FromJson(Manifest);
}

/// <summary>A file beside a list.</summary>
/// <param name="Part">manifest, add, remove or replaced</param>
public sealed record ExportedFile(string FileName, string Part, int Revision, long Rows, long Bytes, byte[] Sha256);

/// <summary>Exported lists, the files beside them, and whom the last gate withheld.</summary>
public sealed class ExportStore(NpgsqlDataSource database)
{
    private const string SelectLists =
        """
        select campaign_id, wave_date, arm, channel, file_name, rows, bytes, sha256, exported_at, withheld, unlisted, revision, manifest
          from export where campaign_id = @campaignId order by wave_date, arm, channel
        """;

    private const string SelectList =
        """
        select campaign_id, wave_date, arm, channel, file_name, rows, bytes, sha256, exported_at, withheld, unlisted, revision, manifest
          from export where campaign_id = @campaignId and wave_date = @waveDate and arm = @arm and channel = @channel
        """;

    private const string SelectFileNames =
        "select file_name from export where campaign_id = @campaignId union select file_name from export_file where campaign_id = @campaignId";

    // Writing a list again gives the same bytes; the row then stays as it was, but for a file that retention had removed.
    private const string InsertList =
        """
        insert into export(campaign_id, wave_date, arm, channel, file_name, rows, bytes, sha256, run_id, exported_at, withheld, unlisted, revision, manifest, without_line)
        values (@CampaignId, @WaveDate, @Arm, @Channel, @FileName, @Rows, @Bytes, @Sha256, @runId, @ExportedAt, @Withheld, @Unlisted, @Revision, @Manifest, @WithoutLine)
        on conflict (campaign_id, wave_date, arm, channel) do update
           set file_removed_at = null, file_name = excluded.file_name, rows = excluded.rows, bytes = excluded.bytes, sha256 = excluded.sha256,
               run_id = excluded.run_id, exported_at = excluded.exported_at, withheld = excluded.withheld, unlisted = excluded.unlisted,
               revision = excluded.revision, manifest = excluded.manifest,
               without_line = case when excluded.revision > export.revision then excluded.without_line else export.without_line end
         where export.file_removed_at is not null or excluded.revision > export.revision
        """;

    private const string InsertFile =
        """
        insert into export_file(file_name, campaign_id, wave_date, arm, channel, part, revision, rows, bytes, sha256, written_at)
        values (@FileName, @CampaignId, @WaveDate, @Arm, @Channel, @Part, @Revision, @Rows, @Bytes, @Sha256, @ExportedAt)
        on conflict (file_name) do update set file_removed_at = null where export_file.file_removed_at is not null
        """;

    // It has the same lines as the list that was replaced.
    private const string ReplaceAdded =
        """
        update export_file set part = 'replaced'
         where campaign_id = @CampaignId and wave_date = @WaveDate and arm = @Arm and channel = @Channel and part = 'add' and revision < @Revision
        """;

    private const string SelectReplaced =
        "select file_name, part, revision, rows, bytes, sha256 from export_file where campaign_id = @campaignId and part = 'replaced' and file_removed_at is null";

    private const string MarkRemoved = "update export_file set file_removed_at = clock_timestamp() where file_name = @FileName";

    private const string CreateStaging =
        "create temporary table withheld_staging (wave_date date, arm smallint, channel text, customer uuid, reason text, removed_with text) on commit drop";

    // Who was on a list and is taken back is told with the file that does it; the list's own revision withholds the same customer.
    private const string SaveStaged =
        """
        insert into export_withheld(campaign_id, wave_date, arm, channel, customer, reason, removed_with, withheld_at)
        select distinct on (wave_date, arm, channel, customer) @campaignId, wave_date, arm, channel, customer, reason, removed_with, @at
          from withheld_staging order by wave_date, arm, channel, customer, removed_with nulls last
        on conflict do nothing
        """;

    public async Task<IReadOnlyList<ExportedList>> ListsAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ExportedList>(new CommandDefinition(SelectLists, new { campaignId }, cancellationToken: cancellationToken))];
    }

    public async Task<ExportedList?> FindAsync(long campaignId, DateOnly waveDate, int arm, string channel, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ExportedList>(new CommandDefinition(SelectList, new { campaignId, waveDate, arm, channel }, cancellationToken: cancellationToken));
    }

    /// <summary>In the caller's transaction, which writes each campaign's lists once.</summary>
    internal static async Task AddAsync(NpgsqlConnection connection, IReadOnlyList<WrittenList> written, long runId, DateTimeOffset at, CancellationToken cancellationToken)
    {
        foreach (var list in written)
        {
            var of = list.List;
            if (list.Refusal is null)
            {
                await connection.ExecuteAsync(InsertList, new
                {
                    of.CampaignId, of.WaveDate, of.Arm, of.Channel, of.FileName, of.Rows, of.Bytes, of.Sha256, runId, of.ExportedAt, of.Withheld, of.Unlisted, of.Revision, of.Manifest, list.WithoutLine,
                });
                await connection.ExecuteAsync(ReplaceAdded, of);
            }
            await connection.ExecuteAsync(InsertFile, list.Beside.Select(file => new
            {
                file.FileName, of.CampaignId, of.WaveDate, of.Arm, of.Channel, file.Part, file.Revision, file.Rows, file.Bytes, file.Sha256, ExportedAt = at,
            }));
        }
        var withheld = written.SelectMany(list => list.Withheld.Select(customer => (list.List, customer))).ToList();
        if (withheld.Count == 0)
            return;
        await connection.ExecuteAsync(CreateStaging);
        await BulkCopy.WriteAsync(connection, "withheld_staging (wave_date, arm, channel, customer, reason, removed_with)", withheld, Write, cancellationToken);
        await connection.ExecuteAsync(SaveStaged, new { campaignId = withheld[0].List.CampaignId, at });
    }

    /// <summary>Of lists and of what lies beside them.</summary>
    internal async Task<IReadOnlySet<string>> FileNamesAsync(long campaignId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return (await connection.QueryAsync<string>(new CommandDefinition(SelectFileNames, new { campaignId }, cancellationToken: cancellationToken))).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Lists that a later revision replaced and that still lie there.</summary>
    internal async Task<IReadOnlyList<ExportedFile>> ReplacedAsync(long campaignId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ExportedFile>(new CommandDefinition(SelectReplaced, new { campaignId }, cancellationToken: cancellationToken))];
    }

    internal async Task MarkRemovedAsync(ExportedFile file, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(MarkRemoved, file, cancellationToken: cancellationToken));
    }

    private static void Write(CopyWriter import, (ExportedList List, WithheldCustomer Customer) row)
    {
        import.Write(row.Customer.WaveDate);
        import.Write(row.List.Arm);
        import.Write(row.List.Channel);
        import.Write(row.Customer.Customer);
        import.Write(row.Customer.Reason);
        import.Write(row.Customer.RemovedWith);
    }
}
