using Npgsql;
using Pimm.Core.Auditing;

namespace Pimm.Core.Access;

/// <summary>Makes and revokes keys of the HTTP API.</summary>
public sealed class KeyAdministration(NpgsqlDataSource database, ApiKeyStore keys, TimeProvider time)
{
    public const int MostDays = 730;

    /// <param name="days">until the key expires, 1 to 730</param>
    /// <param name="by">as the audit names whoever asks</param>
    /// <param name="replaces">prefix of the key of this name that the new one is to replace; both are good until the old one is revoked</param>
    /// <exception cref="InputException">the name is empty, too long or in use, the time too long or none</exception>
    public async Task<GeneratedKey> CreateAsync(string name, string[] scopes, int days, string by, CancellationToken cancellationToken = default, string? replaces = null)
    {
        var title = name.Trim();
        if (title.Length is 0 or > 100 || title.Any(char.IsControl))
        {
            throw new InputException($"The key's name has {title.Length} characters: give it 1 to 100 printable ones that say who will use it.");
        }
        if (days is < 1 or > MostDays)
        {
            throw new InputException($"The key would be good for {days} days: choose 1 to {MostDays}.");
        }
        var (text, now) = (ApiKeyText.Generate(), time.GetUtcNow());
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await RequireFreeNameAsync(connection, title, replaces, now);
        var key = await keys.AddAsync(connection, new ApiKey(0, title, text.Prefix, text.SecretSha256(), scopes, by, now, now.AddDays(days), null, null, null));
        await AuditLog.AddAsync(connection, new AuditEntry(by, "key.create", "key", key.Prefix, After: new { key.Name, key.Scopes, key.ExpiresAt, Replaces = replaces }));
        await transaction.CommitAsync(cancellationToken);
        return new GeneratedKey(key, text.ToString());
    }

    /// <exception cref="InputException">there is no such key, or it is revoked already</exception>
    public async Task<ApiKey> RevokeAsync(string prefix, string by, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var revoked = await keys.RevokeAsync(connection, prefix, by, time.GetUtcNow());
        if (revoked is null)
        {
            throw new InputException(await keys.FindAsync(prefix, cancellationToken) is { RevokedAt: { } at, RevokedBy: { } who }
                ? $"The key {prefix} was revoked on {at:yyyy-MM-dd} by {who}."
                : $"There is no key \"{prefix}\": `pimm keys list` shows the prefixes of those there are.");
        }
        await AuditLog.AddAsync(connection, new AuditEntry(by, "key.revoke", "key", revoked.Prefix, After: new { revoked.Name, revoked.RevokedAt }));
        await transaction.CommitAsync(cancellationToken);
        return revoked;
    }

    // A name is the source of the events that its key sends, and whose batches and files are whose: two programs never share one.
    private async Task RequireFreeNameAsync(NpgsqlConnection connection, string name, string? replaces, DateTimeOffset now)
    {
        var inUse = await keys.HoldNameAsync(connection, name, now);
        if (replaces is null)
        {
            if (inUse.Count > 0)
            {
                throw new InputException($"The name \"{name}\" is that of the key {inUse[^1]}: choose another, or replace that key with --replaces {inUse[^1]}.");
            }
        }
        else if (!inUse.Contains(replaces))
        {
            throw new InputException($"There is no usable key \"{replaces}\" of the name \"{name}\" to replace: `pimm keys list` shows names and prefixes.");
        }
    }
}
