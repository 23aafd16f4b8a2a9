using Dapper;
using Npgsql;

namespace Pimm.Core.Suppressing;

/// <summary>Whose opt-out it is: a customer, or whoever has an e-mail address, a phone number or a device.</summary>
/// <param name="Kind">customer, email, phone or maid</param>
/// <param name="Customer">of the kind customer</param>
/// <param name="BlindIndex">of the others: the keyed hash of the canonical form</param>
public sealed record SuppressionKey(string Kind, Guid? Customer, byte[]? BlindIndex)
{
    public static SuppressionKey Of(Guid customer) => new("customer", customer, null);

    public static SuppressionKey Email(byte[] blindIndex) => new("email", null, blindIndex);

    public static SuppressionKey Phone(byte[] blindIndex) => new("phone", null, blindIndex);

    internal byte[] ToBytes() => Customer is { } customer ? customer.ToByteArray(bigEndian: true) : BlindIndex!;
}

/// <summary>What is said of a key.</summary>
/// <param name="Channel">null: every channel</param>
/// <param name="Reason">do-not-contact, objection or erased</param>
/// <param name="Source">where it was said; of a lifting: why</param>
/// <param name="By">who recorded it</param>
public sealed record SuppressionEntry(SuppressionKey Key, string? Channel, string Reason, string Source, string By)
{
    public const string DoNotContact = "do-not-contact";

    public const string Objection = "objection";

    public const string Erased = "erased";
}

/// <summary>An opt-out that holds now.</summary>
public sealed record Suppression(long Id, string Kind, Guid? Customer, byte[]? BlindIndex, string? Channel, string Reason, string Source, string RecordedBy, DateTimeOffset At)
{
    /// <summary>Enough to tell two apart, nothing to contact anybody with.</summary>
    public string Shown => Customer is { } customer ? customer.ToString()[..8] : Convert.ToHexStringLower(BlindIndex!)[..8];
}

/// <summary>Opt-outs that hold, counted.</summary>
public sealed record SuppressionCount(string Kind, string Reason, string? Channel, long Rows);

/// <summary>Opt-outs and their liftings; rows are only added.</summary>
public sealed class SuppressionStore(NpgsqlDataSource database, TimeProvider time)
{
    // With an address go those whose it is now: a later file that gives them another one does not bring them back. Not with an erased one,
    // whose other owners were not erased. What holds already is not written a second time.
    private const string Insert =
        """
        with said as (
            select distinct * from unnest(@kinds::text[], @customers::uuid[], @indexes::bytea[], @channels::text[], @reasons::text[], @sources::text[], @actors::text[])
                                     as t(kind, customer, blind_index, channel, reason, source, recorded_by)),
        keyed as (select t.*, coalesce(t.blind_index, uuid_send(t.customer)) as key, null::bytea as origin from said t),
        meant as (
            select * from keyed
            union
            select 'customer', i.customer, null, t.channel, t.reason, t.source, t.recorded_by, uuid_send(i.customer), t.key
              from keyed t join customer_identifier i on i.blind_index = t.blind_index
             where t.reason <> 'erased'),
        added as (
            insert into suppression(kind, customer, blind_index, origin, channel, reason, source, recorded_by, at)
            select t.kind, t.customer, t.blind_index, t.origin, t.channel, t.reason, t.source, t.recorded_by, @at::timestamptz
              from meant t
             where not exists (select from suppression_now s
                                where s.key = t.key and s.reason = t.reason and s.origin is not distinct from t.origin and s.channel is not distinct from t.channel)
            returning key, origin)
        select count(*) from keyed t where exists (select from added a where a.key = t.key and a.origin is null)
        """;

    // Of an address also what its owners took over from it, and nothing else of theirs.
    private const string InsertLifting =
        """
        with held as (
            select distinct s.kind, s.customer, s.blind_index, case when s.key = @key then null else s.origin end as origin
              from suppression_now s
             where (s.key = @key or s.origin = @key) and s.reason = @Reason and (@Channel::text is null or s.channel = @Channel))
        insert into suppression(kind, customer, blind_index, origin, channel, reason, source, recorded_by, at, lifted)
        select kind, customer, blind_index, origin, @Channel, @Reason, @Source, @By, @at, true from held
        """;

    private const string Columns = "id, kind, customer, blind_index, channel, reason, source, recorded_by, at";

    private const string SelectNewest = $"select {Columns} from suppression_now order by id desc limit @limit";

    private const string SelectCounts = "select kind, reason, channel, count(*) as rows from suppression_now group by kind, reason, channel order by 1, 2, 3 nulls first";

    private const string SelectOf = $"select {Columns} from suppression_now where key = any(@keys) order by id";

    private const string SelectAddresses =
        """
        select case kind when 1 then 'email' when 2 then 'phone' else 'maid' end as kind, null::uuid as customer, blind_index
          from customer_identifier where customer = any(@customers) and blind_index is not null order by customer_identifier.kind
        """;

    private const string Lock = "select pg_advisory_xact_lock(hashtextextended('suppression', 0))";

    /// <summary>In the caller's transaction.</summary>
    /// <returns>how many were new; the others held already</returns>
    public async Task<long> AddAsync(NpgsqlConnection connection, IReadOnlyCollection<SuppressionEntry> entries)
    {
        // Two at once would both find nothing and write the same row.
        await connection.ExecuteAsync(Lock);
        return await connection.ExecuteScalarAsync<long>(Insert, new
        {
            kinds = entries.Select(e => e.Key.Kind).ToArray(), customers = entries.Select(e => e.Key.Customer).ToArray(), indexes = entries.Select(e => e.Key.BlindIndex).ToArray(),
            channels = entries.Select(e => e.Channel).ToArray(), reasons = entries.Select(e => e.Reason).ToArray(), sources = entries.Select(e => e.Source).ToArray(),
            actors = entries.Select(e => e.By).ToArray(), at = time.GetUtcNow(),
        });
    }

    /// <summary>In the caller's transaction: from now on the key's opt-outs of this reason do not hold.</summary>
    /// <returns>how many keys had one</returns>
    public async Task<int> LiftAsync(NpgsqlConnection connection, SuppressionEntry entry)
    {
        await connection.ExecuteAsync(Lock);
        return await connection.ExecuteAsync(InsertLifting, new { key = entry.Key.ToBytes(), entry.Channel, entry.Reason, entry.Source, entry.By, at = time.GetUtcNow() });
    }

    public async Task<IReadOnlyList<SuppressionCount>> CountsAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<SuppressionCount>(new CommandDefinition(SelectCounts, cancellationToken: cancellationToken))];
    }

    public async Task<IReadOnlyList<Suppression>> NewestAsync(int limit, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<Suppression>(new CommandDefinition(SelectNewest, new { limit }, cancellationToken: cancellationToken))];
    }

    /// <summary>What holds for any of these keys, oldest first.</summary>
    public async Task<IReadOnlyList<Suppression>> OfAsync(IReadOnlyCollection<SuppressionKey> keys, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<Suppression>(new CommandDefinition(SelectOf, new
        {
            keys = keys.Select(k => k.ToBytes()).ToArray(),
        }, cancellationToken: cancellationToken))];
    }

    /// <summary>Keyed hashes of everything by which these customers can be reached.</summary>
    public async Task<IReadOnlyList<SuppressionKey>> AddressesAsync(IReadOnlyCollection<Guid> customers, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<SuppressionKey>(new CommandDefinition(SelectAddresses, new { customers = customers.ToArray() }, cancellationToken: cancellationToken))];
    }
}
