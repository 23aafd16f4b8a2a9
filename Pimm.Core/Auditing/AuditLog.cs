using System.Runtime.CompilerServices;
using Dapper;
using Npgsql;

namespace Pimm.Core.Auditing;

/// <summary>The append-only log of who did what. An entry exists exactly when the transaction that it belongs to commits.</summary>
public sealed class AuditLog(NpgsqlDataSource database)
{
    private const int LongestName = 300;
    private const int AtOnce = 5_000;

    /// <summary>
    /// In the caller's transaction, anywhere in it: the chain is taken at the commit, so nobody waits for a long transaction.
    /// Without a transaction the entry is a commit of its own.
    /// </summary>
    public static Task AddAsync(NpgsqlConnection connection, AuditEntry entry) => connection.ExecuteAsync(Add, new
    {
        Actor = Cut(entry.Actor),
        entry.Action,
        entry.ObjectKind,
        ObjectId = Cut(entry.ObjectId),
        Before = AuditJson.Text(entry.Before),
        After = AuditJson.Text(entry.After),
        From = entry.From is null ? null : Cut(entry.From),
    });

    /// <summary>For what has no transaction: a disclosure, before the first byte of it goes out.</summary>
    public async Task AddAsync(AuditEntry entry, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await AddAsync(connection, entry);
    }

    /// <summary>False: the database is older than its audit log.</summary>
    public static Task<bool> ExistsAsync(NpgsqlConnection connection) => connection.ExecuteScalarAsync<bool>("select to_regclass('audit_event') is not null");

    /// <summary>The newest first.</summary>
    public async Task<IReadOnlyList<AuditEvent>> ListAsync(AuditFilter filter, int limit, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<AuditEvent>(new CommandDefinition($"{Select} order by id desc limit {limit:D}", filter, cancellationToken: cancellationToken))];
    }

    public async Task<long> CountAsync(AuditFilter filter, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition($"select count(*) from ({Select}) e", filter, cancellationToken: cancellationToken));
    }

    /// <summary>The oldest first, some thousands in memory at a time: no statement runs as long as the log is.</summary>
    public async IAsyncEnumerable<AuditEvent> StreamAsync(AuditFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        for (var (rest, full) = (filter, true); full;)
        {
            var rows = (await connection.QueryAsync<AuditEvent>(new CommandDefinition($"{Select} order by id limit {AtOnce:D}", rest, cancellationToken: cancellationToken))).AsList();
            foreach (var row in rows)
                yield return row;
            full = rows.Count == AtOnce;
            rest = full ? rest with { AfterId = rows[^1].Id } : rest;
        }
    }

    /// <summary>The newest row, or null.</summary>
    public async Task<AuditEvent?> HeadAsync(CancellationToken cancellationToken = default) =>
        (await ListAsync(new AuditFilter(), 1, cancellationToken)).SingleOrDefault();

    private static string Cut(string text) => AuditJson.WithoutNul(text.Length <= LongestName ? text : text[..(LongestName - 1)] + "…");

    private const string Add = "select add_audit_event(@Actor, @Action, @ObjectKind, @ObjectId, @Before::jsonb, @After::jsonb, @From)";

    private const string Select = """
        select id, at, actor, action, object_kind, object_id, before::text, after::text, origin, prev_hash, row_hash
          from audit_event
         where id > @AfterId
           and (@BeforeId::bigint is null or id < @BeforeId)
           and (@From::timestamptz is null or at >= @From)
           and (@To::timestamptz is null or at < @To)
           and (@Actor::text is null or actor = @Actor)
           and (@Action::text is null or action = @Action or split_part(action, '.', 1) = @Action)
           and (@Object::text is null or object_kind = @Object or object_kind || ':' || object_id = @Object)
        """;
}
