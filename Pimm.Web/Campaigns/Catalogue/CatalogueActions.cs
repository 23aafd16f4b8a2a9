using System.Security.Claims;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Web.Security;

namespace Pimm.Web.Campaigns.Catalogue;

/// <summary>What a person does with a campaign of the list; each asks whether the person may.</summary>
public sealed class CatalogueActions(WorkPermit permit, CampaignStore campaigns, CampaignListStore list, TimeProvider time)
{
    private const int LongestName = 100;

    /// <summary>The same definition under another name and salt, from tomorrow on: its customers are split anew.</summary>
    /// <returns>the new campaign's id</returns>
    /// <exception cref="InputException">the person may not, or there is no such campaign</exception>
    public async Task<long> DuplicateAsync(ClaimsPrincipal person, long id)
    {
        var name = await permit.DemandAsync(person, Right.DefineCampaigns);
        var original = await campaigns.GetAsync(id);
        var now = time.GetUtcNow();
        var title = await FreeNameAsync(original.Name);
        var first = original.DateOf(now).AddDays(1);
        // The name is new, but a name of long ago may have had the salt that is made of it.
        var copy = original.Copy(title, first, $"{CampaignFile.DefaultSalt(title, first)}/{now.ToUnixTimeMilliseconds():x}", name, now);
        return await campaigns.CreateAsync(copy, AuditActor.User(name));
    }

    /// <returns>the campaign's name</returns>
    /// <exception cref="InputException">the person may not, or the campaign is at work</exception>
    public async Task<string> ArchiveAsync(ClaimsPrincipal person, long id, bool archived) =>
        await list.ArchiveAsync(id, archived, AuditActor.User(await permit.DemandAsync(person, Right.DefineCampaigns)));

    private async Task<string> FreeNameAsync(string name)
    {
        for (var number = 2; ; number++)
        {
            var ending = $" ({number})";
            var title = name[..Math.Min(name.Length, LongestName - ending.Length)] + ending;
            if (await campaigns.FindByNameAsync(title) is null)
            {
                return title;
            }
        }
    }
}
