using Dapper;
using Npgsql;

namespace Pimm.Core.Access;

/// <summary>A user as lists show one.</summary>
/// <param name="Roles">their names with commas between, in the order of <see cref="Access.Roles.All"/></param>
/// <param name="SignedInAt">the last time; null: never</param>
/// <param name="MustChangePassword">the password was given by somebody else and not replaced yet</param>
public sealed record UserSummary(
    long Id, string UserName, string Roles, DateTimeOffset? LockoutEnd, DateTimeOffset CreatedAt, bool TwoFactorEnabled, bool MustChangePassword,
    DateTimeOffset? DeactivatedAt, DateTimeOffset? SignedInAt)
{
    /// <summary>"active", "deactivated" or "locked".</summary>
    public string StateAt(DateTimeOffset instant) => DeactivatedAt is not null ? "deactivated" : LockoutEnd > instant ? "locked" : "active";

    public bool Has(string role) => Roles.Split(", ").Contains(role);
}

/// <summary>Users as lists show them.</summary>
public sealed class UserListStore(NpgsqlDataSource database)
{
    private const string Select = """
        select u.id, u.user_name,
               coalesce((select string_agg(r.name, ', ' order by r.id) from app_user_role ur join app_role r on r.id = ur.role_id where ur.user_id = u.id), '') as roles,
               u.lockout_end, u.created_at, u.two_factor_enabled, u.must_change_password, u.deactivated_at, u.signed_in_at
        from app_user u
        """;

    private const string Named = "strpos(lower(u.user_name), lower(@search::text)) > 0";

    /// <summary>By name.</summary>
    public async Task<IReadOnlyList<UserSummary>> ListAsync(string search = "", long offset = 0, int limit = int.MaxValue, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<UserSummary>(new CommandDefinition(
            $"{Select} where {Named} order by u.normalized_user_name offset @offset::bigint limit @limit::int", new { search, offset, limit }, cancellationToken: cancellationToken))];
    }

    public async Task<long> CountAsync(string search = "", CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition($"select count(*) from app_user u where {Named}", new { search }, cancellationToken: cancellationToken));
    }

    public async Task<UserSummary?> FindAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<UserSummary>(new CommandDefinition($"{Select} where u.id = @id", new { id }, cancellationToken: cancellationToken));
    }
}
