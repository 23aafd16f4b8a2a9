using System.Security.Claims;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Notifying;
using Pimm.Web.Security;

namespace Pimm.Web.Settings;

/// <summary>Keys and webhooks from a page; asked at every click, recorded as the person.</summary>
public sealed class SettingsActions(KeyAdministration keys, WebhookAdministration webhooks, WorkPermit permit)
{
    public async Task<GeneratedKey> CreateKeyAsync(ClaimsPrincipal person, string name, IReadOnlyCollection<string> scopes, int days) =>
        await keys.CreateAsync(name, ApiScopes.Parse(string.Join(',', scopes)), days, await ByAsync(person));

    public async Task RevokeKeyAsync(ClaimsPrincipal person, string prefix) => await keys.RevokeAsync(prefix, await ByAsync(person));

    public async Task<AddedWebhook> AddWebhookAsync(ClaimsPrincipal person, string url, IReadOnlyCollection<string> events) => await webhooks.AddAsync(url, events, await ByAsync(person));

    public async Task RemoveWebhookAsync(ClaimsPrincipal person, long id) => await webhooks.RemoveAsync(id, await ByAsync(person));

    public async Task EnableWebhookAsync(ClaimsPrincipal person, long id) => await webhooks.EnableAsync(id, await ByAsync(person));

    public async Task<WebhookAnswer> TestWebhookAsync(ClaimsPrincipal person, long id)
    {
        await ByAsync(person);
        return await webhooks.TestAsync(id);
    }

    private async Task<string> ByAsync(ClaimsPrincipal person) => AuditActor.User(await permit.DemandAsync(person, Right.Administer));
}
