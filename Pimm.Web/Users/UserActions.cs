using System.Security.Claims;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Web.Security;

namespace Pimm.Web.Users;

/// <summary>What an administrator does with users on a page; asked at every click, recorded as the person.</summary>
public sealed class UserActions(UserAdministration users, WorkPermit permit)
{
    /// <returns>with a password that is good for one sign-in</returns>
    public Task<GeneratedPassword> AddAsync(ClaimsPrincipal person, string userName, string role) =>
        AsAsync(person, by => users.AddAsync(userName, role, password: null, by, mustChange: true));

    public Task<GeneratedPassword> ResetPasswordAsync(ClaimsPrincipal person, string userName) =>
        AsAsync(person, by => users.ResetPasswordAsync(userName, password: null, by, mustChange: true));

    public Task SetRolesAsync(ClaimsPrincipal person, string userName, IReadOnlyCollection<string> roles) => AsAsync(person, by => users.SetRolesAsync(userName, roles, by));

    public Task LockAsync(ClaimsPrincipal person, string userName) => AsAsync(person, by => users.LockAsync(userName, by));

    public Task UnlockAsync(ClaimsPrincipal person, string userName) => AsAsync(person, by => users.UnlockAsync(userName, by));

    public Task ResetTwoFactorAsync(ClaimsPrincipal person, string userName) => AsAsync(person, by => users.ResetTwoFactorAsync(userName, by));

    public Task DeactivateAsync(ClaimsPrincipal person, string userName) => AsAsync(person, by => users.DeactivateAsync(userName, by));

    public Task ActivateAsync(ClaimsPrincipal person, string userName) => AsAsync(person, by => users.ActivateAsync(userName, by));

    private async Task<T> AsAsync<T>(ClaimsPrincipal person, Func<string, Task<T>> act) => await act(AuditActor.User(await permit.DemandAsync(person, Right.Administer)));

    private async Task AsAsync(ClaimsPrincipal person, Func<string, Task> act) => await act(AuditActor.User(await permit.DemandAsync(person, Right.Administer)));
}
