using System.Globalization;
using Dapper;
using Npgsql;
using Pimm.Core.Campaigns;
using Pimm.Core.Database;

namespace Pimm.Core.Lift;

/// <summary>What came back of a campaign, by customer; all times are what the events said.</summary>
/// <param name="FirstConversion">
/// first core conversion by any route in [start, close], close being that of the last published wave's window; of an audience without customer outcomes the impressions' own last funnel
/// stage, which only delivered lift may use
/// </param>
/// <param name="Amounts">sum of the amounts in the same time, as far as it has passed, of customers who had any</param>
/// <param name="WithoutAmount">outcomes in that time without an amount, where others have one</param>
/// <param name="Delivered">(customer, wave) of delivered impressions</param>
/// <param name="Newest">when the newest customer outcome since the start happened; null: the audience has no such feed</param>
/// <param name="Received">when an outcome file or batch was last taken in</param>
public sealed record CampaignOutcomes(
    IReadOnlyDictionary<Guid, DateTimeOffset> FirstConversion, IReadOnlyDictionary<Guid, double> Amounts, long WithoutAmount,
    IReadOnlySet<(Guid Customer, DateOnly Wave)> Delivered, DateTimeOffset? Newest, DateTimeOffset? Received);

/// <summary>Reads what came back of a campaign, each table once.</summary>
public sealed class CampaignOutcomeStore(NpgsqlDataSource database)
{
    // A label dated before its wave began belongs to no impression of it, one dated after the wave's window is past counting.
    private const string SelectFunnel =
        """
        select a.funnel[g.stage] as stage,
               count(f.customer) filter (where f.arm = 0) as control, count(f.customer) filter (where f.arm = 1) as treatment
          from campaign c
          join audience a on a.id = c.audience_id
          cross join lateral generate_series(1, cardinality(a.funnel)) g(stage)
          left join (
               select l.customer, l.stage, s.arm
                 from funnel_label l
                 join wave w on w.campaign_id = l.campaign_id and w.wave_date = l.wave_date
                      and l.occurred_at between w.impressions_at and w.impressions_at + make_interval(hours => 24 * @windowDays)
                 join assignment s on s.customer = l.customer and s.campaign_id = l.campaign_id
                where l.campaign_id = @campaignId and l.customer <> all(@without)) f on f.stage = g.stage
         where c.id = @campaignId
         group by g.stage, a.funnel order by g.stage
        """;

    private const string SelectMisdatedLabels =
        """
        select count(*) filter (where s.arm = 0 and l.occurred_at < w.impressions_at) as early_control,
               count(*) filter (where s.arm = 1 and l.occurred_at < w.impressions_at) as early_treatment,
               count(*) filter (where s.arm = 0 and l.occurred_at > w.impressions_at + make_interval(hours => 24 * @windowDays)) as late_control,
               count(*) filter (where s.arm = 1 and l.occurred_at > w.impressions_at + make_interval(hours => 24 * @windowDays)) as late_treatment
          from funnel_label l
          join wave w on w.campaign_id = l.campaign_id and w.wave_date = l.wave_date
          join assignment s on s.customer = l.customer and s.campaign_id = l.campaign_id
         where l.campaign_id = @campaignId
        """;

    private const string SelectReceived =
        """
        select greatest((select max(imported_at) from import_file where audience_id = @audienceId and kind = 'outcomes' and state = 'finished' and undone_at is null),
                        (select received_at from outcome_batch where audiences @> array[@audienceId] order by received_at desc limit 1))
        """;

    private const string SelectIntake =
        """
        select count(*) as files, coalesce(sum(rows), 0)::bigint as rows from (
            select created as rows from import_file where audience_id = @audienceId and kind = 'outcomes' and state = 'finished' and undone_at is null
            union all
            select u.accepted from outcome_batch b cross join lateral unnest(b.audiences, b.accepted_of) u(audience, accepted)
             where b.audiences @> array[@audienceId] and u.audience = @audienceId) taken
        """;

    private const string SelectNewestOutcome =
        "select max(occurred_at) from customer_outcome where audience_id = @audienceId and occurred_at >= @from and not voided";

    /// <param name="closes">when the window of the last published wave closes</param>
    /// <param name="at">amounts count to then or to the close, whichever is first; a first conversion dated later is read all the same</param>
    public async Task<CampaignOutcomes> OfCampaignAsync(Campaign campaign, DateTimeOffset closes, DateTimeOffset at, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var newest = await InstantAsync(connection, SelectNewestOutcome, new { audienceId = campaign.AudienceId, from = campaign.StartsAt });
        var (first, amounts, without) = (new Dictionary<Guid, DateTimeOffset>(), new Dictionary<Guid, double>(), 0L);
        await foreach (var outcome in BulkCopy.ReadAsync(connection, newest is null ? LastStageOf(campaign) : OutcomesOf(campaign, closes, at), ReadOutcome, cancellationToken))
        {
            first.Add(outcome.Customer, outcome.First);
            without += outcome.WithoutAmount;
            if (outcome.Amount is { } amount)
            {
                amounts.Add(outcome.Customer, amount);
            }
        }
        var delivered = new HashSet<(Guid, DateOnly)>();
        var deliveries = BulkCopy.ReadAsync(
            connection, $"(select customer, wave_date from delivery where campaign_id = {campaign.Id})",
            static export => (export.ReadGuid(), export.ReadDate()), cancellationToken);
        await foreach (var delivery in deliveries)
        {
            delivered.Add(delivery);
        }
        var received = await InstantAsync(connection, SelectReceived, new { audienceId = campaign.AudienceId });
        return new CampaignOutcomes(first, amounts, amounts.Count == 0 ? 0 : without, delivered, newest, received);
    }

    /// <summary>How many impressions reached each stage, by arm.</summary>
    /// <param name="without">customers who do not count</param>
    public async Task<IReadOnlyList<FunnelCount>> FunnelAsync(Campaign campaign, IEnumerable<Guid> without, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<FunnelCount>(new CommandDefinition(SelectFunnel, new { campaignId = campaign.Id, campaign.WindowDays, without = without.ToArray() }, cancellationToken: cancellationToken))];
    }

    /// <summary>Labels that are dated before their wave began, and after its window closed.</summary>
    public async Task<(ArmCounts Early, ArmCounts Late)> MisdatedLabelsAsync(Campaign campaign, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var (earlyControl, earlyTreatment, lateControl, lateTreatment) = await connection.QuerySingleAsync<(long, long, long, long)>(
            new CommandDefinition(SelectMisdatedLabels, new { campaignId = campaign.Id, campaign.WindowDays }, cancellationToken: cancellationToken));
        return (new ArmCounts(earlyControl, earlyTreatment), new ArmCounts(lateControl, lateTreatment));
    }

    public async Task<LiftIntake> IntakeAsync(long audienceId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleAsync<LiftIntake>(new CommandDefinition(SelectIntake, new { audienceId }, cancellationToken: cancellationToken));
    }

    private static string LastStageOf(Campaign campaign) => string.Create(CultureInfo.InvariantCulture,
        $"""
        (select f.customer, min(f.occurred_at), null::double precision, 0::bigint
           from funnel_label f
           join wave w on w.campaign_id = f.campaign_id and w.wave_date = f.wave_date
                and f.occurred_at between w.impressions_at and w.impressions_at + make_interval(hours => 24 * {campaign.WindowDays})
           join campaign c on c.id = f.campaign_id
           join audience a on a.id = c.audience_id
          where f.campaign_id = {campaign.Id} and f.stage = cardinality(a.funnel)
          group by f.customer)
        """);

    private static string OutcomesOf(Campaign campaign, DateTimeOffset closes, DateTimeOffset at) => string.Create(CultureInfo.InvariantCulture,
        $"""
        (select customer, min(occurred_at), sum(amount) filter (where occurred_at <= {Literal(at)}),
                count(*) filter (where amount is null and occurred_at <= {Literal(at)})
           from customer_outcome
          where audience_id = {campaign.AudienceId} and occurred_at between {Literal(campaign.StartsAt)} and {Literal(closes)} and not voided
          group by customer)
        """);

    // COPY takes no parameters; the calendar of the machine's language may count other years.
    private static string Literal(DateTimeOffset instant) => string.Create(CultureInfo.InvariantCulture, $"timestamptz '{instant.UtcDateTime:yyyy-MM-dd HH:mm:ss.ffffff}+00'");

    private static (Guid Customer, DateTimeOffset First, double? Amount, long WithoutAmount) ReadOutcome(CopyReader export) =>
        (export.ReadGuid(), new DateTimeOffset(export.ReadInstant()), export.ReadDoubleOrNull(), export.ReadInt64());

    private static async Task<DateTimeOffset?> InstantAsync(NpgsqlConnection connection, string query, object parameters) =>
        await connection.ExecuteScalarAsync<DateTime?>(query, parameters) is { } instant ? new DateTimeOffset(instant) : null;
}
