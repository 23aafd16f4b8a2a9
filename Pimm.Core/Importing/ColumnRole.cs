namespace Pimm.Core.Importing;

/// <summary>What a column of a file is for.</summary>
public enum RoleKind
{
    Ignore, Key, Feature, Protected, Proxy, Arm, Identifier, Consent, ConsentTime, ConsentSource,
    Label, Amount, Time, Targeted, Event, EventKind, Campaign, Wave, Stage,
}

/// <summary>
/// A role as it is written: key, feature, protected, proxy, arm, ignore, amount, time, targeted; identifier:email (phone,
/// first-name, last-name, country, zip, maid); consent:purpose/channel with consent-time: and consent-source: of the same;
/// label:stage; of outcome files event, event-kind, campaign, wave, stage.
/// </summary>
/// <param name="Detail">what stands behind the colon; null for roles without</param>
public sealed record ColumnRole(RoleKind Kind, string? Detail = null)
{
    private static readonly Dictionary<string, RoleKind> Kinds = new(StringComparer.OrdinalIgnoreCase)
    {
        ["ignore"] = RoleKind.Ignore, ["key"] = RoleKind.Key, ["feature"] = RoleKind.Feature, ["protected"] = RoleKind.Protected,
        ["proxy"] = RoleKind.Proxy, ["arm"] = RoleKind.Arm, ["identifier"] = RoleKind.Identifier, ["consent"] = RoleKind.Consent,
        ["consent-time"] = RoleKind.ConsentTime, ["consent-source"] = RoleKind.ConsentSource, ["label"] = RoleKind.Label,
        ["amount"] = RoleKind.Amount, ["time"] = RoleKind.Time, ["targeted"] = RoleKind.Targeted, ["event"] = RoleKind.Event,
        ["event-kind"] = RoleKind.EventKind, ["campaign"] = RoleKind.Campaign, ["wave"] = RoleKind.Wave, ["stage"] = RoleKind.Stage,
    };

    /// <summary>Kept as a column of the audience's tables.</summary>
    public bool IsAttribute => Kind is RoleKind.Feature or RoleKind.Protected or RoleKind.Proxy or RoleKind.Arm;

    /// <exception cref="InputException">no such role</exception>
    public static ColumnRole Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var (word, detail) = colon < 0 ? (text, null) : (text[..colon], text[(colon + 1)..].Trim());
        if (!Kinds.TryGetValue(word.Trim(), out var kind) || (colon < 0) == NeedsDetail(kind) || detail is { Length: 0 })
        {
            throw Unknown(text);
        }
        if (kind is RoleKind.Consent or RoleKind.ConsentTime or RoleKind.ConsentSource && detail!.Split('/') is not [{ Length: > 0 }, { Length: > 0 }])
        {
            throw Unknown(text);
        }
        return new ColumnRole(kind, detail);
    }

    public override string ToString()
    {
        var word = Kinds.First(pair => pair.Value == Kind).Key;
        return Detail is null ? word : $"{word}:{Detail}";
    }

    private static bool NeedsDetail(RoleKind kind) =>
        kind is RoleKind.Identifier or RoleKind.Consent or RoleKind.ConsentTime or RoleKind.ConsentSource or RoleKind.Label;

    private static InputException Unknown(string text) => new(
        $"The role \"{text}\" is unknown; choose key, feature, protected, proxy, arm, ignore, amount, time, targeted, identifier:<kind>, consent:<purpose>/<channel>, consent-time:…, consent-source:…, label:<stage>, and for outcomes event, event-kind, campaign, wave, stage.")
        { Code = ImportCode.BadMapping };
}
