using System.Security.Claims;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Web.Security;

namespace Pimm.Web.Campaigns.Catalogue;

/// <param name="Ids">of those that were put away or fetched back</param>
/// <param name="Refusals">why others were not, a sentence each</param>
public sealed record Archiving(bool Archived, IReadOnlyList<long> Ids, IReadOnlyList<string> Names, IReadOnlyList<string> Refusals);

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

    /// <summary>Puts campaigns away, or fetches them back: one that cannot be does not hold up the others.</summary>
    /// <exception cref="InputException">the person may not</exception>
    public async Task<Archiving> ArchiveAsync(ClaimsPrincipal person, IReadOnlyCollection<long> ids, bool archived)
    {
        var by = AuditActor.User(await permit.DemandAsync(person, Right.DefineCampaigns));
        var (done, names, refusals) = (new List<long>(), new List<string>(), new List<string>());
        foreach (var id in ids)
        {
            try
            {
                names.Add(await list.ArchiveAsync(id, archived, by));
                done.Add(id);
            }
            catch (InputException refused)
            {
                refusals.Add(refused.Message);
            }
        }
        return new(archived, done, names, refusals);
    }

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
