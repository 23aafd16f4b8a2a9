using Dapper;
using Npgsql;

namespace Pimm.Core.Access;

/// <summary>Keys of the HTTP API. A key is made, used and revoked; nothing else about it changes.</summary>
public sealed class ApiKeyStore(NpgsqlDataSource database)
{
    private const string Columns =
        "id, name, prefix, secret_sha256, scopes, created_by, created_at, expires_at, last_used_at, revoked_at, revoked_by";

    private const string SelectAll = $"select {Columns} from api_key order by id";

    private const string SelectByPrefix = $"select {Columns} from api_key where prefix = @prefix";

    // Whoever makes a key waits for whoever is making one.
    private const string HoldNames = "select pg_advisory_xact_lock(hashtext('api_key'))";

    private const string SelectInUse = "select prefix from api_key where name = @name and revoked_at is null and expires_at > @at order by id";

    private const string Insert =
        $"""
        insert into api_key (name, prefix, secret_sha256, scopes, created_by, created_at, expires_at)
        values (@Name, @Prefix, @SecretSha256, @Scopes, @CreatedBy, @CreatedAt, @ExpiresAt)
        returning {Columns}
        """;

    private const string Revoke =
        $"update api_key set revoked_at = @at, revoked_by = @by where prefix = @prefix and revoked_at is null returning {Columns}";

    private const string Touch =
        "update api_key set last_used_at = @at where id = @id and (last_used_at is null or last_used_at <= @at::timestamptz - interval '1 minute')";

    public async Task<IReadOnlyList<ApiKey>> ListAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ApiKey>(new CommandDefinition(SelectAll, cancellationToken: cancellationToken))];
    }

    public async Task<ApiKey?> FindAsync(string prefix, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ApiKey>(new CommandDefinition(SelectByPrefix, new { prefix }, cancellationToken: cancellationToken));
    }

    /// <summary>Prefixes of the usable keys of this name, the oldest first; nobody else makes one before the caller's transaction ends.</summary>
    public async Task<IReadOnlyList<string>> HoldNameAsync(NpgsqlConnection connection, string name, DateTimeOffset at)
    {
        await connection.ExecuteAsync(HoldNames);
        return [.. await connection.QueryAsync<string>(SelectInUse, new { name, at })];
    }

    /// <summary>Adds a key inside the caller's transaction.</summary>
    public Task<ApiKey> AddAsync(NpgsqlConnection connection, ApiKey key) => connection.QuerySingleAsync<ApiKey>(Insert, key);

    /// <summary>Revokes a key inside the caller's transaction.</summary>
    /// <returns>null where there is none, or it is revoked already</returns>
    public Task<ApiKey?> RevokeAsync(NpgsqlConnection connection, string prefix, string by, DateTimeOffset at) =>
        connection.QuerySingleOrDefaultAsync<ApiKey>(Revoke, new { prefix, by, at });

    /// <summary>Notes that the key was used, at most once a minute.</summary>
    public async Task TouchAsync(ApiKey key, DateTimeOffset at, CancellationToken cancellationToken = default)
    {
        if (key.LastUsedAt > at.AddMinutes(-1))
        {
            return;
        }
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(Touch, new { key.Id, at }, cancellationToken: cancellationToken));
    }
}
