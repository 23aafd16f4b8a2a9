using System.Security.Claims;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Erasing;
using Pimm.Core.Suppressing;
using Pimm.Web.Security;

namespace Pimm.Web.Privacy;

/// <summary>Who is meant, as a form has it. It stays in the circuit: no address, no log and no audit entry holds the value.</summary>
/// <param name="Kind">customer, email or phone</param>
/// <param name="DefaultCountry">of a phone number without a country's code; null: none</param>
public sealed record NamedPerson(string Kind, string Value, string? DefaultCountry);

/// <param name="Customers">who would be erased</param>
/// <param name="Sharing">how many others have the same address or number, and would not be contacted again either</param>
public sealed record ErasureOutlook(NamedPerson Person, IReadOnlyList<Guid> Customers, int Sharing);

/// <summary>What a person does with other people's data: asks whether the person may, each time; the services audit.</summary>
public sealed class PrivacyActions(WorkPermit permit, OptOuts optOuts, ErasureRequests erasures, PersonRecords records)
{
    /// <returns>false: it was suppressed so already</returns>
    /// <exception cref="InputException">the person may not, or the form cannot be meant</exception>
    public async Task<bool> SuppressAsync(ClaimsPrincipal person, NamedPerson named, string? channel, string reason, string source)
    {
        var actor = await ActorAsync(person);
        await KeyAsync(named);
        return (await optOuts.AddAsync(new OptOut(channel, reason, source, actor), named.Kind, [named.Value], named.DefaultCountry, CancellationToken.None)).Added > 0;
    }

    /// <returns>one entry a customer that the name is of; several may share an address</returns>
    /// <exception cref="InputException">the person may not, or the value cannot be one</exception>
    public async Task<IReadOnlyList<PersonRecord>> LookAsync(ClaimsPrincipal person, NamedPerson named)
    {
        var actor = await ActorAsync(person);
        var found = new List<PersonRecord>();
        foreach (var customer in await records.CustomersAsync(await KeyAsync(named)))
        {
            found.Add(await records.ReadAsync(customer, actor));
        }

        return found;
    }

    /// <summary>Whom an erasure would erase; erases nobody.</summary>
    /// <exception cref="InputException">the person may not, or nobody is meant</exception>
    public async Task<ErasureOutlook> OutlookAsync(ClaimsPrincipal person, NamedPerson named)
    {
        await ActorAsync(person);
        await KeyAsync(named);
        var customers = await erasures.FindAsync(Asked(named));
        return new ErasureOutlook(named, customers, (await erasures.SharingAsync(customers)).Count);
    }

    /// <exception cref="InputException">the person may not, or others are meant now</exception>
    public async Task EraseAsync(ClaimsPrincipal person, ErasureOutlook outlook)
    {
        var actor = await ActorAsync(person);
        if (!(await erasures.FindAsync(Asked(outlook.Person))).SequenceEqual(outlook.Customers))
        {
            throw new InputException("Others have this address now than when you looked: look again.");
        }

        foreach (var customer in outlook.Customers)
        {
            await erasures.RequestAsync(customer, Asked(outlook.Person), actor);
        }
    }

    private async Task<SuppressionKey> KeyAsync(NamedPerson named) => await optOuts.KeyOfAsync(named.Kind, named.Value, named.DefaultCountry) ?? throw new InputException(named.Kind switch
    {
        "email" => "The e-mail address cannot be used: write it as name@example.com; a hash of it cannot be compared with the keyed hashes that are kept here.",
        "phone" => "The phone number cannot be used: write it with its country's code, as +49 170 1234567, or give the country.",
        _ => "The customer's key cannot be used: it has 1 to 200 of the letters A to Z, digits and . _ : -",
    });

    private static ErasureAsked Asked(NamedPerson named) => new(
        named.Kind == "customer" ? named.Value : null, named.Kind == "email" ? named.Value : null, named.Kind == "phone" ? named.Value : null, named.DefaultCountry);

    private async Task<string> ActorAsync(ClaimsPrincipal person) => AuditActor.User(await permit.DemandAsync(person, Right.KeepPrivacy));
}
