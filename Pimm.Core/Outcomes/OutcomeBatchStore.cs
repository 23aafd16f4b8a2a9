using Dapper;
using Npgsql;
using Pimm.Core.Importing;

namespace Pimm.Core.Outcomes;

/// <summary>Batches of events over HTTP, and where their events belong.</summary>
public sealed class OutcomeBatchStore(TimeProvider time)
{
    private const string SelectPlaces = "select id, audience_id from campaign where id = any(@campaigns)";

    private const string SelectAudiences =
        "select id, name, key_column, columns::text, funnel, simulated, created_at from audience where id = any(@audiences) order by id";

    private const string NextId = "select nextval(pg_get_serial_sequence('outcome_batch', 'id'))";

    private const string SelectShares =
        """
        with closes as materialized (
            select c.id, c.audience_id, campaign_period(c.starts_on, c.days, c.window_days, c.time_zone) as period
              from campaign c join audience a on a.id = c.audience_id and not a.simulated where c.audience_id = any(@audiences)),
        past as materialized (select id, audience_id, period, upper(period) < @now as closed from closes)
        select s.audience_id, count(*) as accepted, count(*) filter (where s.weak) as weak,
               count(*) filter (where s.corrects is null and case s.kind when 3
                   then (select bool_and(p.closed) from past p where p.audience_id = s.audience_id and p.period @> s.occurred_at)
                   else exists (select from past p where p.id = s.campaign_id and p.closed) end) as late
          from staged_outcome s group by s.audience_id order by s.audience_id
        """;

    private const string Insert =
        """
        insert into outcome_batch(id, source, audiences, accepted_of, received_at, received, accepted, duplicate, quarantined, late, weak)
        overriding system value
        values (@id, @source, @audiences, @acceptedOf, @now, @Received, @Accepted, @Duplicate, @Quarantined, @Late, @Weak)
        """;

    internal async Task<IReadOnlyDictionary<long, long>> PlacesAsync(NpgsqlConnection connection, IEnumerable<long> campaigns) =>
        (await connection.QueryAsync<CampaignPlace>(SelectPlaces, new { campaigns = campaigns.ToArray() })).ToDictionary(place => place.Id, place => place.AudienceId);

    public async Task<IReadOnlyList<Audience>> AudiencesAsync(NpgsqlConnection connection, IEnumerable<long> audiences) =>
        [.. await connection.QueryAsync<Audience>(SelectAudiences, new { audiences = audiences.ToArray() })];

    public Task<long> NextIdAsync(NpgsqlConnection connection) => connection.ExecuteScalarAsync<long>(NextId);

    /// <summary>What is left in the staging table, by audience.</summary>
    internal async Task<IReadOnlyList<AudienceShare>> SharesAsync(NpgsqlConnection connection, IEnumerable<long> audiences) =>
        [.. await connection.QueryAsync<AudienceShare>(SelectShares, new { audiences = audiences.ToArray(), now = time.GetUtcNow() })];

    internal Task AddAsync(NpgsqlConnection connection, long id, string source, BatchAnswer answer, IReadOnlyList<AudienceShare> shares) =>
        connection.ExecuteAsync(Insert, new
        {
            id, source, audiences = shares.Select(share => share.AudienceId).ToArray(), acceptedOf = shares.Select(share => share.Accepted).ToArray(),
            now = time.GetUtcNow(), answer.Received, answer.Accepted, answer.Duplicate, answer.Quarantined, answer.Late, answer.Weak,
        });
}
