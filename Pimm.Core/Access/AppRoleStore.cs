using System.Globalization;
using Dapper;
using Microsoft.AspNetCore.Identity;
using Npgsql;

namespace Pimm.Core.Access;

/// <summary>The four roles. They come from the migration: nobody adds, renames or deletes one at run time.</summary>
public sealed class AppRoleStore(NpgsqlDataSource database) : IRoleStore<AppRole>
{
    private const string SelectRole = "select id, name, normalized_name from app_role";

    public Task<IdentityResult> CreateAsync(AppRole role, CancellationToken cancellationToken) => Fixed();

    public Task<IdentityResult> UpdateAsync(AppRole role, CancellationToken cancellationToken) => Fixed();

    public Task<IdentityResult> DeleteAsync(AppRole role, CancellationToken cancellationToken) => Fixed();

    public async Task<AppRole?> FindByIdAsync(string roleId, CancellationToken cancellationToken) =>
        int.TryParse(roleId, CultureInfo.InvariantCulture, out var id) ? await FindAsync("where id = @id", new { id }, cancellationToken) : null;

    public Task<AppRole?> FindByNameAsync(string normalizedRoleName, CancellationToken cancellationToken) =>
        FindAsync("where normalized_name = @normalizedRoleName", new { normalizedRoleName }, cancellationToken);

    public Task<string> GetRoleIdAsync(AppRole role, CancellationToken cancellationToken) => Task.FromResult(role.Id.ToString(CultureInfo.InvariantCulture));

    public Task<string?> GetRoleNameAsync(AppRole role, CancellationToken cancellationToken) => Task.FromResult<string?>(role.Name);

    public Task SetRoleNameAsync(AppRole role, string? roleName, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<string?> GetNormalizedRoleNameAsync(AppRole role, CancellationToken cancellationToken) => Task.FromResult<string?>(role.NormalizedName);

    public Task SetNormalizedRoleNameAsync(AppRole role, string? normalizedName, CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
    }

    private static Task<IdentityResult> Fixed() =>
        Task.FromResult(IdentityResult.Failed(new IdentityError { Code = "RolesAreFixed", Description = "Roles come with the migrations and cannot be changed." }));

    private async Task<AppRole?> FindAsync(string condition, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<AppRole>(new CommandDefinition($"{SelectRole} {condition}", parameters, cancellationToken: cancellationToken));
    }
}
