using Dapper;
using Microsoft.AspNetCore.Identity;

namespace Pimm.Core.Access;

/// <summary>The second step at sign-in, as Identity asks for it.</summary>
public sealed partial class AppUserStore : IUserTwoFactorStore<AppUser>, IUserAuthenticatorKeyStore<AppUser>, IUserTwoFactorRecoveryCodeStore<AppUser>
{
    private const string TakeStep = "update app_user set two_factor_step = @step where id = @Id and two_factor_step < @step::bigint";

    private const string ReplaceCodes = """
        with old as (delete from app_user_recovery_code where user_id = @Id and not code_sha256 = any(@hashes::bytea[]))
        insert into app_user_recovery_code (user_id, code_sha256) select @Id::bigint, unnest(@hashes::bytea[]) on conflict do nothing
        """;

    private const string RedeemCode = "delete from app_user_recovery_code where user_id = @Id and code_sha256 = @hash";

    private const string CountCodes = "select count(*)::int from app_user_recovery_code where user_id = @Id";

    private const string HoldAdministrators = "select pg_advisory_xact_lock(hashtext('app_user administrators'))";

    private const string NoteSignIn = "update app_user set signed_in_at = clock_timestamp() where id = @Id";

    /// <summary>Until the caller's transaction ends, nobody else takes an administrator away.</summary>
    internal Task HoldAdministratorsAsync() => CountAsync(HoldAdministrators, new { });

    /// <summary>False: a code of this step, or of a later one, was taken before.</summary>
    internal async Task<bool> TakeStepAsync(AppUser user, long step) => await CountAsync(TakeStep, new { user.Id, step }) == 1;

    public Task NoteSignInAsync(AppUser user) => CountAsync(NoteSignIn, new { user.Id });

    public Task SetTwoFactorEnabledAsync(AppUser user, bool enabled, CancellationToken cancellationToken) => Set(() => user.TwoFactorEnabled = enabled);

    public Task<bool> GetTwoFactorEnabledAsync(AppUser user, CancellationToken cancellationToken) => Task.FromResult(user.TwoFactorEnabled);

    public Task SetAuthenticatorKeyAsync(AppUser user, string key, CancellationToken cancellationToken) => Set(() => user.AuthenticatorKey = keys.Seal(user, key));

    public Task<string?> GetAuthenticatorKeyAsync(AppUser user, CancellationToken cancellationToken) => Task.FromResult(keys.Open(user));

    public Task ReplaceCodesAsync(AppUser user, IEnumerable<string> recoveryCodes, CancellationToken cancellationToken) =>
        CountAsync(ReplaceCodes, new { user.Id, hashes = recoveryCodes.Select(code => RecoveryCodes.Hash(user, code)).ToArray() });

    public async Task<bool> RedeemCodeAsync(AppUser user, string code, CancellationToken cancellationToken) =>
        await CountAsync(RedeemCode, new { user.Id, hash = RecoveryCodes.Hash(user, code) }) == 1;

    public async Task<int> CountCodesAsync(AppUser user, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<int>(new CommandDefinition(CountCodes, new { user.Id }, cancellationToken: cancellationToken));
    }

    private async Task<int> CountAsync(string sql, object parameters)
    {
        await using var connection = await database.OpenConnectionAsync();
        return await connection.ExecuteAsync(sql, parameters);
    }
}
