using System.Text;
using Dapper;
using Npgsql;
using NpgsqlTypes;
using Pimm.Core.Identifying;

namespace Pimm.Core.Outcomes;

/// <summary>An event over HTTP that was put aside; what it says stays sealed.</summary>
/// <param name="ReceivedAt">when it came first</param>
/// <param name="OccurredAt">null: could not be read</param>
/// <param name="Field">what is wrong; null where the whole event is meant</param>
public sealed record OutcomeProblem(
    long Id, string Source, string EventId, DateTimeOffset ReceivedAt, DateTimeOffset? OccurredAt, long? AudienceId, long? CampaignId,
    string Code, string? Field, string Message);

/// <summary>How many events of one kind of problem wait.</summary>
public sealed record OutcomeProblemCount(string Source, string Code, long Events);

/// <summary>An event to be tried again.</summary>
internal sealed record SealedEvent(long Id, string EventId, int Tries, byte[] Sealed);

/// <summary>Events that were sent together can be tried together.</summary>
internal sealed record OutcomeProblemGroup(string Source, long? AudienceId);

/// <summary>Which problems are meant.</summary>
/// <param name="Source">null: every one; so are the others</param>
public sealed record OutcomeProblemFilter(string? Source = null, string? Code = null, long? CampaignId = null);

/// <summary>Events over HTTP that were put aside: once each, however often they are sent, until they are counted after all.</summary>
public sealed class OutcomeProblemStore(NpgsqlDataSource database, Sealer sealer, TimeProvider time)
{
    private const string Where =
        "where (@Source::text is null or source = @Source) and (@Code::text is null or code = @Code) and (@CampaignId::bigint is null or campaign_id = @CampaignId)";

    private const string SelectPage =
        $"""
        select id, source, event_id, received_at, occurred_at, audience_id, campaign_id, code, field, message
          from outcome_problem {Where} order by id limit @limit
        """;

    private const string SelectCounts = $"select source, code, count(*) as events from outcome_problem {Where} group by 1, 2 order by 3 desc, 1, 2";

    private const string CountOfAudience = "select count(*) from outcome_problem where audience_id = @audienceId";

    private const string SelectGroups = $"select distinct source, audience_id from outcome_problem {Where} order by 1, 2";

    private const string SelectSealed =
        $"""
        select id, event_id, tries, sealed from outcome_problem {Where} and source = @ofSource and audience_id is not distinct from @AudienceId and id > @after
         order by id limit @limit
        """;

    private const string Insert =
        """
        insert into outcome_problem(source, event_id, received_at, occurred_at, customer, audience_id, campaign_id, code, field, message, sealed)
        select @source, p.* from (
            select e.event_id, @now::timestamptz, e.occurred_at, e.customer, e.audience_id, e.campaign_id, e.code, e.field, e.message, e.sealed
              from unnest(@ids::text[], @times::timestamptz[], @customers::uuid[], @audiences::bigint[], @campaigns::bigint[], @codes::text[], @fields::text[], @messages::text[], @sealed::bytea[])
                   e(event_id, occurred_at, customer, audience_id, campaign_id, code, field, message, sealed)
             where not exists (select from erasure x where x.customer = e.customer) order by e.event_id) p
        on conflict (source, event_id) do update
           set occurred_at = excluded.occurred_at, customer = excluded.customer, audience_id = excluded.audience_id, campaign_id = excluded.campaign_id,
               code = excluded.code, field = excluded.field, message = excluded.message, sealed = excluded.sealed, tries = outcome_problem.tries + 1
        """;

    // Waits for nobody, having rows of its own that others may wait for: a row that stays behind goes when it is tried again.
    private const string DeleteCounted =
        """
        delete from outcome_problem where id in (
            select p.id from outcome_problem p join staged_outcome s on s.event_id = p.event_id where p.source = @source for update of p skip locked)
        """;

    private const string DeleteSettled =
        """
        delete from outcome_problem where id in (
            select p.id from outcome_problem p join unnest(@ids::bigint[], @tries::integer[]) t(id, tries) on t.id = p.id and t.tries = p.tries for update of p skip locked)
        """;

    public async Task<IReadOnlyList<OutcomeProblem>> ListAsync(OutcomeProblemFilter filter, int limit, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<OutcomeProblem>(new CommandDefinition(SelectPage, new { filter.Source, filter.Code, filter.CampaignId, limit }, cancellationToken: cancellationToken))];
    }

    public async Task<IReadOnlyList<OutcomeProblemCount>> CountsAsync(OutcomeProblemFilter filter, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<OutcomeProblemCount>(new CommandDefinition(SelectCounts, filter, cancellationToken: cancellationToken))];
    }

    public async Task<long> CountOfAudienceAsync(long audienceId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition(CountOfAudience, new { audienceId }, cancellationToken: cancellationToken));
    }

    /// <summary>Takes away what lies in the staging table: it was counted now. Behind <see cref="AddAsync"/>, which waits.</summary>
    public Task RemoveCountedAsync(NpgsqlConnection connection, string source) => connection.ExecuteAsync(DeleteCounted, new { source });

    internal async Task AddAsync(NpgsqlConnection connection, string source, IReadOnlyList<RefusedEvent> refused, CancellationToken cancellationToken)
    {
        if (refused.Count == 0)
        {
            return;
        }
        await sealer.ReadyAsync(cancellationToken);
        var events = refused.DistinctBy(one => one.Identity).ToList();
        await using var command = new NpgsqlCommand(Insert, connection);
        command.Parameters.Add(new NpgsqlParameter<string>("source", source));
        command.Parameters.Add(new NpgsqlParameter<DateTime>("now", time.GetUtcNow().UtcDateTime));
        Add("ids", NpgsqlDbType.Text, events.Select(one => one.Identity).ToArray());
        Add("times", NpgsqlDbType.TimestampTz, events.Select(one => one.OccurredAt?.UtcDateTime).ToArray());
        Add("customers", NpgsqlDbType.Uuid, events.Select(one => one.Customer).ToArray());
        Add("audiences", NpgsqlDbType.Bigint, events.Select(one => one.AudienceId).ToArray());
        Add("campaigns", NpgsqlDbType.Bigint, events.Select(one => one.CampaignId).ToArray());
        Add("codes", NpgsqlDbType.Text, events.Select(one => one.Problem.Code).ToArray());
        Add("fields", NpgsqlDbType.Text, events.Select(one => one.Problem.Field).ToArray());
        Add("messages", NpgsqlDbType.Text, events.Select(one => one.Problem.Message).ToArray());
        Add("sealed", NpgsqlDbType.Bytea, events.Select(one => sealer.Seal(one.Raw.Span, Context(source, one.Identity))).ToArray());
        await command.ExecuteNonQueryAsync(cancellationToken);

        void Add(string name, NpgsqlDbType type, Array values) =>
            command.Parameters.Add(new NpgsqlParameter(name, NpgsqlDbType.Array | type) { Value = values });
    }

    internal async Task<IReadOnlyList<OutcomeProblemGroup>> GroupsAsync(OutcomeProblemFilter filter, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<OutcomeProblemGroup>(new CommandDefinition(SelectGroups, filter, cancellationToken: cancellationToken))];
    }

    /// <summary>Events to be tried again. They are not held: whoever sends one meanwhile holds its id first and its row here last.</summary>
    internal async Task<IReadOnlyList<SealedEvent>> TakeAsync(
        NpgsqlConnection connection, OutcomeProblemFilter filter, OutcomeProblemGroup group, long after, int limit) =>
        [.. await connection.QueryAsync<SealedEvent>(SelectSealed, new { filter.Source, filter.Code, filter.CampaignId, ofSource = group.Source, group.AudienceId, after, limit })];

    internal byte[] Open(string source, SealedEvent kept) => sealer.Open(kept.Sealed, Context(source, kept.EventId));

    internal Task ReadyAsync(CancellationToken cancellationToken) => sealer.ReadyAsync(cancellationToken);

    /// <summary>Takes away those that were not put aside again since.</summary>
    internal Task<int> RemoveSettledAsync(NpgsqlConnection connection, IReadOnlyList<SealedEvent> tried) =>
        connection.ExecuteAsync(DeleteSettled, new { ids = tried.Select(one => one.Id).ToArray(), tries = tried.Select(one => one.Tries).ToArray() });

    private static byte[] Context(string source, string eventId) => Encoding.UTF8.GetBytes($"outcome_problem\n{source}\n{eventId}");
}
