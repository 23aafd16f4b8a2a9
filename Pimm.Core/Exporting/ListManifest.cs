using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pimm.Core.Exporting;

/// <summary>A file that the manifest speaks of.</summary>
/// <param name="Unknown">customers whom no line names: the channel could not tell who they are</param>
/// <param name="AsKnownNow">of a removal: lines of today's identifiers, since the list that was handed out is not there any more</param>
public sealed record ManifestFile(string File, long Rows, string Sha256, long Unknown = 0, long AsKnownNow = 0);

/// <param name="Salt">first 16 hexadecimal digits of the SHA-256 of the campaign's salt</param>
/// <param name="Winner">index of the candidate salt that was chosen</param>
public sealed record ManifestSplit(string Method, string Salt, int Winner);

/// <summary>Rows before and after the last gate.</summary>
/// <param name="Planned">what the wave exports in this arm</param>
/// <param name="WithoutIdentifier">customers whom the channel could not tell</param>
/// <param name="AsOf">the moment whose opt-outs and consents the gate has seen</param>
/// <param name="Purpose">what consent was asked for; null: none was</param>
public sealed record ManifestGate(long Planned, long Withheld, IReadOnlyDictionary<string, long> Because, long WithoutIdentifier, DateTimeOffset AsOf, string? Purpose);

/// <summary>
/// Says of a list what it is, what it was made of, and who made it: the file beside it. No identifier, no score, no name of a
/// campaign. Stored as text with the list, so that it is the same bytes whenever it is written.
/// </summary>
/// <param name="Profile">name and version</param>
/// <param name="ModelVersion">the arm's model line and its version, as 4.2</param>
/// <param name="ApprovedBy">as the audit names whoever approved the campaign; null: nobody had to</param>
/// <param name="Add">since the last export of this arm and channel; null: this was the first</param>
/// <param name="Replaces">the revision before; null: none</param>
public sealed record ListManifest(
    string File, int Revision, long Rows, long Bytes, string Sha256, string Profile, IReadOnlyList<string> Columns, IReadOnlyList<FieldCount> Fields,
    long CampaignId, DateOnly Wave, string Group, ManifestGate Gate, string ModelVersion, DateTimeOffset ScoredAt, ManifestSplit Split,
    string ExportedBy, long Run, string? ApprovedBy, ManifestFile? Add, ManifestFile? Remove, ManifestFile? Replaces, IReadOnlyList<string> Warnings)
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static ListManifest Of(ListDraft draft, ListDelta? delta, long run, DateTimeOffset at)
    {
        var (list, profile, figures, source) = (draft.Order.List, draft.Order.List.Profile, draft.Figures, draft.Source);
        var because = draft.Withheld.GroupBy(customer => customer.Reason).OrderBy(reason => reason.Key, StringComparer.Ordinal).ToDictionary(reason => reason.Key, reason => (long)reason.Count());
        return new ListManifest(
            draft.Name + ".csv", draft.Revision, figures.Rows, figures.Bytes, Convert.ToHexStringLower(figures.Sha256), $"{profile.Name} {profile.Version}",
            [.. profile.Columns.Select(column => column.Header)], draft.Lines.Fields, list.Campaign.Id, list.Date, ListNames.Group(list.Arm),
            new ManifestGate(draft.Order.Planned, draft.Withheld.Count, because, figures.Skipped, at, list.Campaign.ConsentPurpose),
            source.Model, source.ScoredAt, new ManifestSplit(source.SplitMethod, ListNames.Fingerprint(list.Campaign.Salt), source.SplitWinner),
            draft.Order.By, run, draft.Order.ApprovedBy, Beside(delta?.Add), Beside(delta?.Remove, delta?.Unknown ?? 0, delta?.AsKnownNow ?? 0),
            draft.Before is { } before ? new ManifestFile(before.FileName, before.Rows, Convert.ToHexStringLower(before.Sha256)) : null,
            profile.TooSmall(figures.Rows) is { } warning ? [warning] : []);
    }

    private static ManifestFile? Beside(ExportedFile? file, long unknown = 0, long asKnownNow = 0) =>
        file is null ? null : new ManifestFile(file.FileName, file.Rows, Convert.ToHexStringLower(file.Sha256), unknown, asKnownNow);

    public string ToJson() => JsonSerializer.Serialize(this, Format) + "\n";

    public static ListManifest FromJson(string text) => JsonSerializer.Deserialize<ListManifest>(text, Format)!;
}
