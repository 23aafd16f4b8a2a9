namespace Pimm.Core.Identifying;

/// <summary>What a channel may know a customer by. The numbers are stored.</summary>
public enum IdentifierKind : short
{
    Email = 1,

    /// <summary>E.164 with its plus sign.</summary>
    Phone = 2,
    FirstName = 3,
    LastName = 4,

    /// <summary>ISO 3166-1 alpha-2, upper case.</summary>
    Country = 5,
    Zip = 6,

    /// <summary>A mobile device's advertising id (IDFA, GAID), lower case.</summary>
    Maid = 7,
}

/// <summary>One identifier of one customer, in the open: on its way to or from the store, and never further.</summary>
/// <param name="Value">in its canonical form (<see cref="Canonical"/>)</param>
/// <param name="SeenAt">when the source said so; of two the newer one is kept</param>
public sealed record CustomerIdentifier(Guid Customer, IdentifierKind Kind, string Value, DateTimeOffset SeenAt)
{
    /// <summary>Never the value: records end up in messages.</summary>
    public override string ToString() => $"{Kind} {IdentifierStore.Masked(Kind, Value)}";
}
