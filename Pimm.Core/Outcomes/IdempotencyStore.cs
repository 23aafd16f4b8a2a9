using Dapper;
using Npgsql;

namespace Pimm.Core.Outcomes;

/// <summary>A request that may be sent again.</summary>
/// <param name="Client">name of the key it came with</param>
/// <param name="Key">1 to 255 characters, the client's own</param>
/// <param name="Hash">SHA-256 of what was asked: another request may not use the same key</param>
public sealed record RequestIdentity(string Client, string Key, byte[] Hash);

/// <summary>The answer that a request was given.</summary>
internal sealed record StoredAnswer(byte[] RequestHash, short Status, string Body);

/// <summary>
/// Answers by idempotency key, kept for a week. Claim, effects and answer are one transaction: one that dies leaves nothing behind,
/// and while it lives another with the same key is told so at once instead of waiting.
/// </summary>
public sealed class IdempotencyStore(TimeProvider time)
{
    private const string Claim = "select pg_try_advisory_xact_lock(hashtextextended(@Client || E'\\n' || @Key, 24))";

    private const string Select = "select request_hash, status, body from idempotency where api_client = @Client and key = @Key";

    private const string Insert =
        """
        insert into idempotency(api_client, key, request_hash, status, body, created_at)
        values (@Client, @Key, @Hash, @status, @body, @now)
        """;

    /// <summary>False: the same key is being worked on. Held until the transaction ends, however it ends.</summary>
    public Task<bool> TryClaimAsync(NpgsqlConnection connection, RequestIdentity request) =>
        connection.ExecuteScalarAsync<bool>(Claim, request);

    internal Task<StoredAnswer?> FindAsync(NpgsqlConnection connection, RequestIdentity request) =>
        connection.QuerySingleOrDefaultAsync<StoredAnswer>(Select, request);

    public Task AddAsync(NpgsqlConnection connection, RequestIdentity request, short status, string body) =>
        connection.ExecuteAsync(Insert, new { request.Client, request.Key, request.Hash, status, body, now = time.GetUtcNow() });
}
