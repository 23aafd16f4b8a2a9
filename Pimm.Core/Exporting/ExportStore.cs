using System.Globalization;
using System.Runtime.CompilerServices;
using Dapper;
using Npgsql;
using NpgsqlTypes;
using Pimm.Core.Campaigns;
using Pimm.Core.Database;
using Pimm.Core.Importing;

namespace Pimm.Core.Exporting;

/// <summary>One list that was written for a channel.</summary>
/// <param name="Arm">0 control, 1 treatment; the file's name calls them a and b</param>
public sealed record ExportedList(
    long CampaignId, DateOnly WaveDate, short Arm, string Channel, string FileName, long Rows, long Bytes, byte[] Sha256, DateTimeOffset ExportedAt);

/// <summary>Exported lists, and the customers a list is made of.</summary>
public sealed class ExportStore(NpgsqlDataSource database, TimeProvider time)
{
    private const string SelectLists =
        """
        select campaign_id, wave_date, arm, channel, file_name, rows, bytes, sha256, exported_at
          from export where campaign_id = @campaignId order by wave_date, arm
        """;

    private const string SelectList =
        """
        select campaign_id, wave_date, arm, channel, file_name, rows, bytes, sha256, exported_at
          from export where campaign_id = @campaignId and wave_date = @waveDate and arm = @arm and channel = @channel
        """;

    // Writing a list again gives the same bytes; the row then stays as it was, but for a file that retention had removed.
    private const string InsertList =
        """
        insert into export(campaign_id, wave_date, arm, channel, file_name, rows, bytes, sha256, run_id, exported_at)
        values (@CampaignId, @WaveDate, @Arm, @Channel, @FileName, @Rows, @Bytes, @Sha256, @runId, @at)
        on conflict (campaign_id, wave_date, arm, channel) do update set file_removed_at = null where export.file_removed_at is not null
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

    /// <summary>Keys of the customers that a wave exports in one arm, in the order of their hashes: never that of their scores.</summary>
    public async IAsyncEnumerable<string> KeysAsync(
        Campaign campaign, Audience audience, DateOnly date, int arm, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var source =
            $"(select c.customer_key from wave_plan p join wave w using (campaign_id, wave_date) join scoring s on s.id = w.scoring_id " +
            $"join {audience.CustomersTable} c on c.customer = p.customer and c.version = s.audience_version " +
            $"where p.campaign_id = {campaign.Id} and p.wave_date = '{date.ToString("O", CultureInfo.InvariantCulture)}' and p.policy = {arm} and p.arm = {arm} and p.action = 1 order by p.customer)";
        await foreach (var key in BulkCopy.ReadAsync(connection, source, static export => export.Read<string>(NpgsqlDbType.Text), cancellationToken))
        {
            yield return key;
        }
    }

    public async Task AddAsync(NpgsqlConnection connection, ExportedList list, long runId) =>
        await connection.ExecuteAsync(InsertList, new
        {
            list.CampaignId, list.WaveDate, list.Arm, list.Channel, list.FileName, list.Rows, list.Bytes, list.Sha256, runId, at = time.GetUtcNow(),
        });
}
