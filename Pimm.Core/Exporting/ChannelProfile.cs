using Pimm.Core.Campaigns;
using Pimm.Core.Identifying;

namespace Pimm.Core.Exporting;

/// <summary>A channel's file, column by column. No profile has a score, a rank, an income or a segment.</summary>
/// <param name="Version">changes whenever the same identifiers would give other cells</param>
/// <param name="SmallestList">rows below which the channel cannot use a list, by its own pages; 0: it has no such bound</param>
/// <param name="OnlyTogether">identifiers that the channel uses all or none of: where one is missing, the others are left out</param>
public sealed record ChannelProfile(string Name, int Version, int SmallestList, IReadOnlyList<ListColumn> Columns, IReadOnlyList<IdentifierKind> OnlyTogether)
{
    /// <summary>Our own form, for whoever takes lists of keys or hashes.</summary>
    public static readonly ChannelProfile GenericCsv = new(Campaign.GenericCsv, 1, 0,
        [
            ListColumn.Of("campaign_id", ListFact.CampaignId), ListColumn.Of("export_id", ListFact.ExportId), ListColumn.Of("audience_group", ListFact.Group),
            ListColumn.Of("customer_ref", ListFact.CustomerRef), ListColumn.Hash("email_sha256", IdentifierKind.Email), ListColumn.Hash("phone_sha256", IdentifierKind.Phone),
            ListColumn.Plain("country", IdentifierKind.Country), ListColumn.Of("model_version", ListFact.ModelVersion), ListColumn.Of("scored_at", ListFact.ScoredAt),
            ListColumn.Of("expires_at", ListFact.ExpiresAt),
        ], []);

    /// <summary>Country and zip are never hashed; an address counts only with both names.</summary>
    public static readonly ChannelProfile Google = new("google-customer-match", 1, 100,
        [
            ListColumn.Hash("Email", IdentifierKind.Email, ChannelForms.GoogleEmail), ListColumn.Hash("Phone", IdentifierKind.Phone),
            ListColumn.Hash("First Name", IdentifierKind.FirstName, ChannelForms.GoogleFirstName), ListColumn.Hash("Last Name", IdentifierKind.LastName, ChannelForms.GoogleLastName),
            ListColumn.Plain("Country", IdentifierKind.Country), ListColumn.Plain("Zip", IdentifierKind.Zip),
        ], [IdentifierKind.FirstName, IdentifierKind.LastName, IdentifierKind.Country, IdentifierKind.Zip]);

    public static readonly ChannelProfile Meta = new("meta", 1, 100,
        [
            ListColumn.Hash("email", IdentifierKind.Email), ListColumn.Hash("phone", IdentifierKind.Phone, ChannelForms.MetaPhone), ListColumn.Plain("madid", IdentifierKind.Maid),
            ListColumn.Hash("fn", IdentifierKind.FirstName, ChannelForms.MetaName), ListColumn.Hash("ln", IdentifierKind.LastName, ChannelForms.MetaName),
            ListColumn.Hash("zip", IdentifierKind.Zip, ChannelForms.MetaZip), ListColumn.Hash("country", IdentifierKind.Country, ChannelForms.Lower),
        ], []);

    // TikTok's help page (last updated September 2025) wants "+" and the country's code before a phone is hashed, and calls the form without
    // the plus sign "also supported"; its own example hash is of the form without. The page of February 2024 wanted dots and "+tag"
    // taken from every e-mail address; the newer one does not, and they would be other people's addresses outside Gmail.
    public static readonly ChannelProfile TikTok = new("tiktok", 1, 1_000,
        [
            ListColumn.Hash("Email_SHA256", IdentifierKind.Email), ListColumn.Hash("Phone_SHA256", IdentifierKind.Phone), ListColumn.Hash("MAID_SHA256", IdentifierKind.Maid),
        ], []);

    public static readonly IReadOnlyList<ChannelProfile> All = [GenericCsv, Google, Meta, TikTok];

    /// <summary>What the channel does with a list of so few rows; null: it takes them.</summary>
    public string? TooSmall(long rows) => rows >= SmallestList ? null
        : FormattableString.Invariant($"{rows:N0} rows: {Name} cannot use a list of fewer than {SmallestList:N0}, and fewer of them will be matched.");

    /// <summary>The identifiers that the file is made of.</summary>
    public IReadOnlyList<IdentifierKind> Kinds { get; } = [.. Columns.Where(column => column.Kind is not null).Select(column => column.Kind!.Value).Distinct()];

    /// <summary>Whether a customer without any identifier is nobody to the channel.</summary>
    public bool NeedsIdentifier { get; } = Columns.All(column => column.Fact != ListFact.CustomerRef);

    /// <exception cref="InputException">there is no such profile</exception>
    public static ChannelProfile Get(string name) => All.FirstOrDefault(profile => profile.Name == name)
        ?? throw new InputException($"The channel \"{name}\" is unknown: choose {string.Join(", ", All.SkipLast(1).Select(profile => profile.Name))} or {All[^1].Name}.");
}
