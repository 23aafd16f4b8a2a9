using System.Security.Cryptography;
using System.Text;
using Pimm.Core.Identifying;

namespace Pimm.Core.Exporting;

/// <summary>What a column says of a list or of a customer, other than an identifier.</summary>
public enum ListFact
{
    CampaignId,
    ExportId,
    Group,
    CustomerRef,
    ModelVersion,
    ScoredAt,
    ExpiresAt,
}

/// <summary>One column of a channel's file: a fact, or an identifier in the channel's form.</summary>
/// <param name="Header">exactly as the channel wants it</param>
/// <param name="Hashed">SHA-256 of the UTF-8 bytes, no salt, as lower-case hexadecimal digits</param>
public sealed record ListColumn
{
    private readonly Func<string, string?> form = ChannelForms.AsItIs;

    private ListColumn(string header) => Header = header;

    public string Header { get; }

    public ListFact? Fact { get; private init; }

    public IdentifierKind? Kind { get; private init; }

    public bool Hashed { get; private init; }

    /// <summary>The cell of a canonical value; null where the channel cannot use it, or where it was hashed before it came here.</summary>
    public string? Cell(string canonical)
    {
        if (canonical.Length == 0 || Canonical.LooksHashed(canonical))
            return null;
        // Letters that look alike must be the same bytes; and nobody's identifier is the hash of nothing.
        var text = form(canonical)?.Normalize(NormalizationForm.FormC);
        return string.IsNullOrEmpty(text) ? null : Hashed ? Hash(text) : text;
    }

    internal static ListColumn Of(string header, ListFact fact) => new(header) { Fact = fact };

    internal static ListColumn Hash(string header, IdentifierKind kind, Func<string, string?>? form = null) => new(header, kind, hashed: true, form);

    internal static ListColumn Plain(string header, IdentifierKind kind, Func<string, string?>? form = null) => new(header, kind, hashed: false, form);

    private ListColumn(string header, IdentifierKind kind, bool hashed, Func<string, string?>? form) : this(header) =>
        (Kind, Hashed, this.form) = (kind, hashed, form ?? ChannelForms.AsItIs);

    private static string Hash(string text)
    {
        Span<byte> digest = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), digest);
        return Convert.ToHexStringLower(digest);
    }
}
