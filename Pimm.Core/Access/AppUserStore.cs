using Dapper;
using Microsoft.AspNetCore.Identity;
using Npgsql;

namespace Pimm.Core.Access;

/// <summary>Rows of app_user and app_user_role behind ASP.NET Core Identity's UserManager and SignInManager.</summary>
public sealed partial class AppUserStore(NpgsqlDataSource database, IdentityErrorDescriber errors, AuthenticatorKeys keys) :
    IUserPasswordStore<AppUser>, IUserSecurityStampStore<AppUser>, IUserLockoutStore<AppUser>, IUserRoleStore<AppUser>
{
    private const string Columns = """
        u.id, u.user_name, u.normalized_user_name, u.password_hash, u.security_stamp, u.access_failed_count, u.lockout_end, u.version,
        u.two_factor_enabled, u.authenticator_key, u.must_change_password, u.deactivated_at
        """;

    private const string SelectUser = $"select {Columns} from app_user u";

    private const string Insert = """
        insert into app_user (user_name, normalized_user_name, password_hash, security_stamp, access_failed_count, lockout_end, must_change_password)
        values (@UserName, @NormalizedUserName, @PasswordHash, @SecurityStamp, @AccessFailedCount, @LockoutEnd, @MustChangePassword)
        returning id, version
        """;

    private const string Update = """
        update app_user
        set user_name = @UserName, normalized_user_name = @NormalizedUserName, password_hash = @PasswordHash,
            security_stamp = @SecurityStamp, access_failed_count = @AccessFailedCount, lockout_end = @LockoutEnd, version = version + 1,
            two_factor_enabled = @TwoFactorEnabled, authenticator_key = @AuthenticatorKey, must_change_password = @MustChangePassword, deactivated_at = @DeactivatedAt
        where id = @Id and version = @Version
        returning version
        """;

    // At once and in the database, so that a hundred guesses at the same moment count as a hundred. The row comes back whole:
    // what is saved next under its new version must not bring back a lockout or a password from before.
    private const string CountFailure = $"""
        update app_user u set access_failed_count = access_failed_count + 1, version = version + 1
        where u.id = @Id
        returning {Columns}
        """;

    public async Task<IdentityResult> CreateAsync(AppUser user, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        try
        {
            (user.Id, user.Version) = await connection.QuerySingleAsync<(long, int)>(new CommandDefinition(Insert, user, cancellationToken: cancellationToken));
            return IdentityResult.Success;
        }
        catch (PostgresException taken) when (taken.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return IdentityResult.Failed(errors.DuplicateUserName(user.UserName));
        }
    }

    public async Task<IdentityResult> UpdateAsync(AppUser user, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var version = await connection.QuerySingleOrDefaultAsync<int?>(new CommandDefinition(Update, user, cancellationToken: cancellationToken));
        if (version is null)
        {
            return IdentityResult.Failed(errors.ConcurrencyFailure());
        }

        user.Version = version.Value;
        return IdentityResult.Success;
    }

    public async Task<IdentityResult> DeleteAsync(AppUser user, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition("delete from app_user where id = @Id", user, cancellationToken: cancellationToken));
        return IdentityResult.Success;
    }

    public async Task<AppUser?> FindByIdAsync(string userId, CancellationToken cancellationToken) =>
        long.TryParse(userId, System.Globalization.CultureInfo.InvariantCulture, out var id) ? await FindAsync("where u.id = @id", new { id }, cancellationToken) : null;

    public Task<AppUser?> FindByNameAsync(string normalizedUserName, CancellationToken cancellationToken) =>
        FindAsync("where u.normalized_user_name = @normalizedUserName", new { normalizedUserName }, cancellationToken);

    public async Task<int> IncrementAccessFailedCountAsync(AppUser user, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var stored = await connection.QuerySingleAsync<AppUser>(new CommandDefinition(CountFailure, user, cancellationToken: cancellationToken));
        (user.PasswordHash, user.SecurityStamp, user.LockoutEnd) = (stored.PasswordHash, stored.SecurityStamp, stored.LockoutEnd);
        (user.AccessFailedCount, user.Version) = (stored.AccessFailedCount, stored.Version);
        (user.TwoFactorEnabled, user.AuthenticatorKey) = (stored.TwoFactorEnabled, stored.AuthenticatorKey);
        (user.MustChangePassword, user.DeactivatedAt) = (stored.MustChangePassword, stored.DeactivatedAt);
        return user.AccessFailedCount;
    }

    public Task AddToRoleAsync(AppUser user, string roleName, CancellationToken cancellationToken) => ExecuteAsync(
        "insert into app_user_role (user_id, role_id) select @Id, id from app_role where normalized_name = @roleName on conflict do nothing",
        new { user.Id, roleName }, cancellationToken);

    public Task RemoveFromRoleAsync(AppUser user, string roleName, CancellationToken cancellationToken) => ExecuteAsync(
        "delete from app_user_role where user_id = @Id and role_id = (select id from app_role where normalized_name = @roleName)",
        new { user.Id, roleName }, cancellationToken);

    public async Task<IList<string>> GetRolesAsync(AppUser user, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<string>(new CommandDefinition(
            "select r.name from app_role r join app_user_role ur on ur.role_id = r.id where ur.user_id = @Id order by r.id", user, cancellationToken: cancellationToken))];
    }

    public async Task<bool> IsInRoleAsync(AppUser user, string roleName, CancellationToken cancellationToken) =>
        (await GetRolesAsync(user, cancellationToken)).Contains(roleName, StringComparer.OrdinalIgnoreCase);

    public async Task<IList<AppUser>> GetUsersInRoleAsync(string roleName, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<AppUser>(new CommandDefinition(
            SelectUser + " join app_user_role ur on ur.user_id = u.id join app_role r on r.id = ur.role_id where r.normalized_name = @roleName order by u.id",
            new { roleName }, cancellationToken: cancellationToken))];
    }

    public Task<string> GetUserIdAsync(AppUser user, CancellationToken cancellationToken) =>
        Task.FromResult(user.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));

    public Task<string?> GetUserNameAsync(AppUser user, CancellationToken cancellationToken) => Task.FromResult<string?>(user.UserName);

    public Task SetUserNameAsync(AppUser user, string? userName, CancellationToken cancellationToken) => Set(() => user.UserName = userName ?? "");

    public Task<string?> GetNormalizedUserNameAsync(AppUser user, CancellationToken cancellationToken) => Task.FromResult<string?>(user.NormalizedUserName);

    public Task SetNormalizedUserNameAsync(AppUser user, string? normalizedName, CancellationToken cancellationToken) => Set(() => user.NormalizedUserName = normalizedName ?? "");

    public Task SetPasswordHashAsync(AppUser user, string? passwordHash, CancellationToken cancellationToken) => Set(() => user.PasswordHash = passwordHash);

    public Task<string?> GetPasswordHashAsync(AppUser user, CancellationToken cancellationToken) => Task.FromResult(user.PasswordHash);

    public Task<bool> HasPasswordAsync(AppUser user, CancellationToken cancellationToken) => Task.FromResult(user.PasswordHash is not null);

    public Task SetSecurityStampAsync(AppUser user, string stamp, CancellationToken cancellationToken) => Set(() => user.SecurityStamp = stamp);

    public Task<string?> GetSecurityStampAsync(AppUser user, CancellationToken cancellationToken) => Task.FromResult<string?>(user.SecurityStamp);

    public Task<DateTimeOffset?> GetLockoutEndDateAsync(AppUser user, CancellationToken cancellationToken) => Task.FromResult(user.LockoutEnd);

    public Task SetLockoutEndDateAsync(AppUser user, DateTimeOffset? lockoutEnd, CancellationToken cancellationToken) => Set(() => user.LockoutEnd = lockoutEnd?.ToUniversalTime());

    public Task ResetAccessFailedCountAsync(AppUser user, CancellationToken cancellationToken) => Set(() => user.AccessFailedCount = 0);

    public Task<int> GetAccessFailedCountAsync(AppUser user, CancellationToken cancellationToken) => Task.FromResult(user.AccessFailedCount);

    public Task<bool> GetLockoutEnabledAsync(AppUser user, CancellationToken cancellationToken) => Task.FromResult(true);

    public Task SetLockoutEnabledAsync(AppUser user, bool enabled, CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
    }

    private static Task Set(Action change)
    {
        change();
        return Task.CompletedTask;
    }

    private async Task<AppUser?> FindAsync(string condition, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<AppUser>(new CommandDefinition($"{SelectUser} {condition}", parameters, cancellationToken: cancellationToken));
    }

    private async Task ExecuteAsync(string sql, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));
    }
}
