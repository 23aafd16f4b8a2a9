using System.Data;
using System.Globalization;
using Dapper;
using Npgsql;
using Pimm.Core.Campaigns;
using Pimm.Core.Database;
using Pimm.Core.Importing;
using Pimm.Core.Suppressing;

namespace Pimm.Core.Exporting;

/// <summary>One list: who is meant, and for whom it is written.</summary>
internal sealed record ListSpec(Campaign Campaign, Audience Audience, DateOnly Date, short Arm, ChannelProfile Profile);

/// <summary>What a wave's customers were selected by.</summary>
/// <param name="Model">the arm's model line and its version, as 4.2</param>
internal sealed record ListSource(long ScoringId, int AudienceVersion, DateTimeOffset ScoredAt, DateTimeOffset ImpressionsAt, string Model, string SplitMethod, int SplitWinner);

/// <summary>A customer on the way to a list.</summary>
/// <param name="Key">null: nobody knows it any more</param>
/// <param name="Sealed">in the order of the profile's kinds; null where there is none</param>
public sealed record ListRow(Guid Customer, string? Key, byte[]?[] Sealed);

/// <summary>A customer whom the last gate keeps off.</summary>
/// <param name="WaveDate">the wave that planned the customer</param>
/// <param name="RemovedWith">the file that takes the customer back; null: no channel had been given the customer</param>
internal sealed record WithheldCustomer(DateOnly WaveDate, Guid Customer, string Reason, string? RemovedWith = null);

/// <summary>A list that a channel may have, where its file should still lie.</summary>
/// <param name="WithoutLine">a bit for each customer whom the gate let pass, set for those without a line</param>
internal sealed record HandedOutList(DateOnly WaveDate, string FileName, long Rows, long Unlisted, byte[] Sha256, byte[]? WithoutLine)
{
    /// <param name="place">of the customer among those whom the gate let pass</param>
    public bool HasLine(long place) => place / 8 >= (WithoutLine?.Length ?? 0) || (WithoutLine![place / 8] >> (int)(place % 8) & 1) == 0;
}

/// <summary>
/// Reads what a list is made of, all of one moment. Rows come in the order of the customers' hashes, never that of their scores.
/// </summary>
internal sealed class ListReader(NpgsqlConnection connection, ListSpec list) : IAsyncDisposable
{
    private const string SelectSource =
        """
        select w.scoring_id, s.audience_version, s.finished_at as scored_at, w.impressions_at,
               v.model_line_id || '.' || v.version as model, a.method as split_method, a.winner as split_winner
          from wave w
          join scoring s on s.id = w.scoring_id
          join model_version v on v.id = case when @Arm = 0 then s.control_version_id else s.treatment_version_id end
          join allocation a on a.campaign_id = w.campaign_id
         where w.campaign_id = @CampaignId and w.wave_date = @Date
        """;

    private const string SelectHandedOut =
        """
        select wave_date, file_name, rows, unlisted, sha256, without_line
          from export where campaign_id = @CampaignId and arm = @Arm and channel = @Channel and wave_date = any(@waves) and file_removed_at is null
         order by wave_date
        """;

    public static async Task<ListReader> OpenAsync(NpgsqlDataSource database, ListSpec list, CancellationToken cancellationToken)
    {
        var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        return new ListReader(connection, list);
    }

    public Task<ListSource> SourceAsync(CancellationToken cancellationToken) => connection.QuerySingleAsync<ListSource>(
        new CommandDefinition(SelectSource, new { CampaignId = list.Campaign.Id, list.Date, list.Arm }, cancellationToken: cancellationToken));

    /// <summary>Whom the wave exports and everybody may contact.</summary>
    public IAsyncEnumerable<ListRow> RowsAsync(ListSource source, CancellationToken cancellationToken) => ReadAsync(
        $"""
        (select p.customer, c.customer_key{Cells} from wave_plan p
           join {list.Audience.CustomersTable} c on c.customer = p.customer and c.version = {source.AudienceVersion}
           {Joins}
          where {Exported} and p.wave_date = '{Day}' and not {Recorded} and {Gate}
          order by p.customer)
        """, cancellationToken);

    /// <summary>Customers of the wave who may not be contacted, or were kept off its list before, as <see cref="RowsAsync"/> sees them.</summary>
    public async Task<IReadOnlyList<WithheldCustomer>> WithheldAsync(CancellationToken cancellationToken) =>
        [.. (await connection.QueryAsync<(Guid Customer, string? Before, string Reason)>(new CommandDefinition(
            $"""
            select p.customer, x.reason, {Reason}
              from wave_plan p
              left join export_withheld x on x.campaign_id = p.campaign_id and x.wave_date = p.wave_date and x.arm = p.arm and x.channel = {Channel} and x.customer = p.customer
             where {Exported} and p.wave_date = '{Day}' and (x.customer is not null or not ({Gate}))
             order by p.customer
            """, commandTimeout: 0, cancellationToken: cancellationToken)))
            .Select(row => new WithheldCustomer(list.Date, row.Customer, row.Before ?? row.Reason))];

    /// <summary>Customers on lists that were handed out, of any wave, who may not be contacted any more and whom no file has taken back yet.</summary>
    public async Task<IReadOnlyList<WithheldCustomer>> ToRemoveAsync(CancellationToken cancellationToken) =>
        [.. (await connection.QueryAsync<(DateOnly Wave, Guid Customer, string Reason)>(new CommandDefinition(
            $"select p.wave_date, p.customer, {Reason} from {HandedOut()} order by p.customer", commandTimeout: 0, cancellationToken: cancellationToken)))
            .Select(row => new WithheldCustomer(row.Wave, row.Customer, row.Reason))];

    /// <summary>Those of some waves with what is still known of them: an erased one has neither key nor identifiers.</summary>
    public IAsyncEnumerable<ListRow> RemovedRowsAsync(IReadOnlyCollection<DateOnly> waves, CancellationToken cancellationToken) => ReadAsync(
        $"""
        (select p.customer, case when exists (select from erasure g where g.customer = p.customer) then null else c.customer_key end{Cells}
           from {HandedOut($"{ScoredCustomers} {Joins}")} and p.wave_date in ({string.Join(", ", waves.Order().Select(wave => $"'{Text(wave)}'"))})
          order by p.customer)
        """, cancellationToken);

    public async Task<IReadOnlyList<HandedOutList>> HandedOutListsAsync(IReadOnlyCollection<DateOnly> waves, CancellationToken cancellationToken) =>
        [.. await connection.QueryAsync<HandedOutList>(new CommandDefinition(SelectHandedOut, new { CampaignId = list.Campaign.Id, list.Arm, Channel = list.Profile.Name, waves = waves.ToArray() }, cancellationToken: cancellationToken))];

    /// <summary>Whom the gate let pass when the wave's list was handed out, in the order of its lines.</summary>
    public IAsyncEnumerable<Guid> PassedAsync(DateOnly wave, CancellationToken cancellationToken) =>
        BulkCopy.ReadAsync(connection, $"(select p.customer from {Passed(wave)} order by p.customer)", export => export.ReadGuid(), cancellationToken);

    public Task<long> CountPassedAsync(DateOnly wave, CancellationToken cancellationToken) =>
        connection.ExecuteScalarAsync<long>(new CommandDefinition($"select count(*) from {Passed(wave)}", commandTimeout: 0, cancellationToken: cancellationToken));

    /// <summary>Waves with lists in this arm and channel that <see cref="ToRemoveAsync"/> finds customers of.</summary>
    public async Task<IReadOnlyList<DateOnly>> WavesToRemoveFromAsync(CancellationToken cancellationToken) =>
        [.. await connection.QueryAsync<DateOnly>(new CommandDefinition($"select distinct p.wave_date from {HandedOut()} order by 1", commandTimeout: 0, cancellationToken: cancellationToken))];

    private string Day => Text(list.Date);

    private string Channel => Literal(list.Profile.Name);

    private string Gate => SuppressionGate.Sql("p.customer", Channel, list.Campaign.ConsentPurpose is { } purpose ? Literal(purpose) : null);

    private string Reason => $"coalesce((select min(b.reason) from not_contactable b where b.customer = p.customer and (b.channel is null or b.channel = {Channel})), 'no-consent')";

    private string Exported => string.Create(CultureInfo.InvariantCulture, $"p.campaign_id = {list.Campaign.Id} and p.policy = {list.Arm} and p.arm = {list.Arm} and p.action = 1");

    private string Recorded =>
        $"exists (select from export_withheld x where x.campaign_id = p.campaign_id and x.wave_date = p.wave_date and x.arm = p.arm and x.channel = {Channel} and x.customer = p.customer)";

    private string HandedOut(string joins = "") =>
        $"wave_plan p {joins} where {Exported} and exists (select from export e where e.campaign_id = p.campaign_id and e.wave_date = p.wave_date and e.arm = p.arm and e.channel = {Channel}) and not {Recorded} and not ({Gate})";

    // Who was withheld later stands in the file still; a list that is written again leaves out all of them.
    private string Passed(DateOnly wave) =>
        $"""
        wave_plan p join export e on e.campaign_id = p.campaign_id and e.wave_date = p.wave_date and e.arm = p.arm and e.channel = {Channel}
         where {Exported} and p.wave_date = '{Text(wave)}'
           and not exists (select from export_withheld x where x.campaign_id = p.campaign_id and x.wave_date = p.wave_date and x.arm = p.arm and x.channel = {Channel}
                              and x.customer = p.customer and x.withheld_at <= e.exported_at)
        """;

    private string ScoredCustomers =>
        $"join wave w on w.campaign_id = p.campaign_id and w.wave_date = p.wave_date join scoring s on s.id = w.scoring_id left join {list.Audience.CustomersTable} c on c.customer = p.customer and c.version = s.audience_version";

    private string Cells => string.Concat(list.Profile.Kinds.Select(kind => $", k{(short)kind}.sealed"));

    private string Joins => string.Join(' ', list.Profile.Kinds.Select(kind => $"left join customer_identifier k{(short)kind} on k{(short)kind}.customer = p.customer and k{(short)kind}.kind = {(short)kind}"));

    private IAsyncEnumerable<ListRow> ReadAsync(string source, CancellationToken cancellationToken) =>
        BulkCopy.ReadAsync(connection, source, Read, cancellationToken);

    private ListRow Read(CopyReader export)
    {
        var row = new ListRow(export.ReadGuid(), export.ReadTextOrNull(), new byte[]?[list.Profile.Kinds.Count]);
        for (var kind = 0; kind < row.Sealed.Length; kind++)
            row.Sealed[kind] = export.ReadBytesOrNull();
        return row;
    }

    private static string Text(DateOnly day) => day.ToString("O", CultureInfo.InvariantCulture);

    // COPY takes no parameters.
    private static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
