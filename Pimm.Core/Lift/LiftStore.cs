using Dapper;
using Npgsql;
using NpgsqlTypes;
using Pimm.Core.Campaigns;
using Pimm.Core.Database;

namespace Pimm.Core.Lift;

/// <summary>One computed report of a campaign.</summary>
/// <param name="Report">a <see cref="LiftReport"/> as JSON</param>
/// <param name="CodeVersion">version of the code that computed it</param>
public sealed record StoredLiftReport(long Id, long CampaignId, DateTimeOffset AsOf, string Report, string CodeVersion, DateTimeOffset ComputedAt);

/// <summary>What came back of a campaign, by customer; all times are what the events said.</summary>
/// <param name="FirstConversion">
/// first core conversion by any route in [start, close); of an audience without customer outcomes the impressions' own last funnel
/// stage, which only delivered lift may use
/// </param>
/// <param name="Delivered">(customer, wave) of delivered impressions</param>
/// <param name="Newest">when the newest customer outcome since the start happened; null: the audience has no such feed</param>
/// <param name="Received">when an outcome file was last taken in</param>
public sealed record CampaignOutcomes(
    IReadOnlyDictionary<Guid, DateTimeOffset> FirstConversion, IReadOnlySet<(Guid Customer, DateOnly Wave)> Delivered,
    IReadOnlyList<FunnelCount> Funnel, DateTimeOffset? Newest, DateTimeOffset? Received);

/// <summary>Lift reports, and the outcomes they are computed from.</summary>
public sealed class LiftStore(NpgsqlDataSource database, TimeProvider time)
{
    private const string SelectNewest =
        """
        select id, campaign_id, as_of, report::text, code_version, computed_at
          from lift_report where campaign_id = @campaignId order by id desc limit 1
        """;

    private const string InsertReport =
        """
        insert into lift_report(campaign_id, as_of, report, code_version, run_id, computed_at)
        values (@campaignId, @asOf, @report::jsonb, @codeVersion, @runId, @at) returning id
        """;

    private const string SelectFunnel =
        """
        select a.funnel[g.stage] as stage,
               count(f.customer) filter (where s.arm = 0) as control, count(f.customer) filter (where s.arm = 1) as treatment
          from campaign c
          join audience a on a.id = c.audience_id
          cross join lateral generate_series(1, cardinality(a.funnel)) g(stage)
          left join funnel_label f on f.campaign_id = c.id and f.stage = g.stage
          left join assignment s on s.customer = f.customer and s.campaign_id = c.id
         where c.id = @campaignId
         group by g.stage, a.funnel order by g.stage
        """;

    private const string SelectReceived = "select max(imported_at) from import_file where audience_id = @audienceId and kind = 'outcomes'";

    private const string SelectNewestOutcome =
        "select max(occurred_at) from customer_outcome where audience_id = @audienceId and occurred_at >= @from";

    public async Task<StoredLiftReport?> NewestAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<StoredLiftReport>(new CommandDefinition(SelectNewest, new { campaignId }, cancellationToken: cancellationToken));
    }

    public async Task<CampaignOutcomes> OutcomesAsync(Campaign campaign, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var newest = await InstantAsync(connection, SelectNewestOutcome, new { audienceId = campaign.AudienceId, from = campaign.StartsAt });
        var first = new Dictionary<Guid, DateTimeOffset>();
        var conversions = BulkCopy.ReadAsync(
            connection,
            newest is null
                ? "(select f.customer, min(f.occurred_at) from funnel_label f join campaign c on c.id = f.campaign_id join audience a on a.id = c.audience_id " +
                  $"where f.campaign_id = {campaign.Id} and f.stage = cardinality(a.funnel) group by f.customer)"
                : $"(select customer, min(occurred_at) from customer_outcome where audience_id = {campaign.AudienceId} " +
                  $"and occurred_at >= '{campaign.StartsAt:yyyy-MM-dd HH:mm:ss}+00' and occurred_at < '{campaign.ClosesAt:yyyy-MM-dd HH:mm:ss}+00' group by customer)",
            static export => (export.Read<Guid>(NpgsqlDbType.Uuid), new DateTimeOffset(export.Read<DateTime>(NpgsqlDbType.TimestampTz))), cancellationToken);
        await foreach (var (customer, at) in conversions)
        {
            first.Add(customer, at);
        }
        var delivered = new HashSet<(Guid, DateOnly)>();
        var deliveries = BulkCopy.ReadAsync(
            connection, $"(select customer, wave_date from delivery where campaign_id = {campaign.Id})",
            static export => (export.Read<Guid>(NpgsqlDbType.Uuid), export.Read<DateOnly>(NpgsqlDbType.Date)), cancellationToken);
        await foreach (var delivery in deliveries)
        {
            delivered.Add(delivery);
        }
        var funnel = await connection.QueryAsync<FunnelCount>(SelectFunnel, new { campaignId = campaign.Id });
        var received = await InstantAsync(connection, SelectReceived, new { audienceId = campaign.AudienceId });
        return new CampaignOutcomes(first, delivered, [.. funnel], newest, received);
    }

    private static async Task<DateTimeOffset?> InstantAsync(NpgsqlConnection connection, string query, object parameters) =>
        await connection.ExecuteScalarAsync<DateTime?>(query, parameters) is { } instant ? new DateTimeOffset(instant) : null;

    public async Task<long> AddAsync(NpgsqlConnection connection, long campaignId, LiftReport report, string codeVersion, long runId) =>
        await connection.ExecuteScalarAsync<long>(InsertReport, new { campaignId, report.AsOf, report = report.ToJson(), codeVersion, runId, at = time.GetUtcNow() });
}
