using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Identifying;
using Pimm.Core.Queueing;
using Pimm.Core.Safetensors;

namespace Pimm.Core.Exporting;

/// <summary>One list with what lies beside it, on the disk and not yet in the database.</summary>
/// <param name="Withheld">to be recorded with it</param>
internal sealed record WrittenList(ExportedList List, IReadOnlyList<ExportedFile> Beside, IReadOnlyList<WithheldCustomer> Withheld, bool IsNew);

/// <param name="Planned">customers whom the wave exports in this arm</param>
/// <param name="First">the first of this arm in the run: it takes back who was handed out before</param>
/// <param name="Others">whether the arm has other lists in this channel, of this run or before</param>
/// <param name="By">who asked for it</param>
internal sealed record ListOrder(ListSpec List, long Planned, bool First, bool Others, string By);

/// <summary>
/// Writes one list, its manifest and what changed since the last export. Files get their names when all of them are on the disk;
/// the same wave, identifiers and opt-outs give the same bytes whenever it is written.
/// </summary>
public sealed class ListWriter(NpgsqlDataSource database, ExportStore exports, Sealer sealer, IdentifierStore identifiers, IOptions<ExportingOptions> options)
{
    internal async Task<WrittenList> WriteAsync(JobExecution run, ListOrder order, DateTimeOffset at, CancellationToken cancellationToken)
    {
        await sealer.ReadyAsync(cancellationToken);
        var list = order.List;
        var before = await exports.FindAsync(list.Campaign.Id, list.Date, list.Arm, list.Profile.Name, cancellationToken);
        await using var reader = await ListReader.OpenAsync(database, list, cancellationToken);
        using var files = new ListFiles(options.Value.Folder, run);
        var source = await reader.SourceAsync(cancellationToken);
        var lines = Lines(list, source);
        var draft = files.Temporary(ListNames.Of(list.Campaign, list.Profile, list.Date, list.Arm) + ".csv");
        var figures = await ListFile.WriteAsync(draft, lines, reader.RowsAsync(source, cancellationToken), cancellationToken);
        var withheld = await reader.WithheldAsync(cancellationToken);
        if (figures.Rows + figures.Skipped + withheld.Count != order.Planned)
        {
            throw new InvalidOperationException(
                $"The list of arm {list.Arm} on {list.Date:yyyy-MM-dd} has {figures.Rows} customers, {figures.Skipped} without an identifier and {withheld.Count} withheld, where the wave exports {order.Planned}: nothing was written.");
        }

        if (before is not null && before.Sha256.AsSpan().SequenceEqual(figures.Sha256))
            return await AgainAsync(files, draft, before, cancellationToken);
        if (before is not null)
            await RevisionCheck.RequireOnlyWithheldAsync(run, before, withheld.Count, figures, Path.Combine(files.Folder, before.FileName), draft, cancellationToken);
        var revision = (before?.Revision ?? 0) + 1;
        var stem = ListNames.Of(list.Campaign, list.Profile, list.Date, list.Arm, revision);
        files.Keep(draft, stem + ".csv");
        var delta = order.Others || before is not null ? await DeltaAsync(files, reader, order, source, stem, draft, figures, before, cancellationToken) : null;
        var manifest = Manifest(order, source, lines, figures, withheld, stem, revision, delta, before, run.RunId, at);
        var text = manifest.ToJson();
        var manifestFile = ListFile.WriteText(files.Add(stem + ".manifest.json"), text);
        await files.PublishAsync(cancellationToken);
        return new WrittenList(
            new ExportedList(list.Campaign.Id, list.Date, list.Arm, list.Profile.Name, stem + ".csv", figures.Rows, figures.Bytes, figures.Sha256, at, withheld.Count, figures.Skipped, revision, text),
            [
                Beside(stem + ".manifest.json", "manifest", manifestFile), .. delta?.Files.Select(file => file with { Revision = revision }) ?? [],
                .. before is null ? [] : (ExportedFile[])[new(before.FileName, "replaced", before.Revision, before.Rows, before.Bytes, before.Sha256)],
            ],
            [.. delta?.Removed ?? [], .. withheld], IsNew: true);

        ExportedFile Beside(string name, string part, FileFigures file) => new(name, part, revision, file.Rows, file.Bytes, file.Sha256);
    }

    private static async Task<WrittenList> AgainAsync(ListFiles files, string draft, ExportedList before, CancellationToken cancellationToken)
    {
        files.Keep(draft, before.FileName);
        List<ExportedFile> beside = [];
        if (before.Manifest is { } text)
        {
            var name = Path.ChangeExtension(before.FileName, ".manifest.json");
            var written = ListFile.WriteText(files.Add(name), text);
            beside.Add(new ExportedFile(name, "manifest", before.Revision, 0, written.Bytes, written.Sha256));
        }
        await files.PublishAsync(cancellationToken);
        return new WrittenList(before, beside, [], IsNew: false);
    }

    private async Task<ListDelta> DeltaAsync(
        ListFiles files, ListReader reader, ListOrder order, ListSource source, string stem, string draft, FileFigures figures, ExportedList? before, CancellationToken cancellationToken)
    {
        var (add, remove) = (files.Add(stem + "_add.csv"), files.Add(stem + "_remove.csv"));
        // A revision only takes back.
        var added = figures;
        if (before is null)
            ListFile.Copy(draft, add);
        else
            added = await ListFile.WriteAsync(add, Lines(order.List, source), AsyncEnumerable.Empty<ListRow>(), cancellationToken);
        var removed = order.First ? await reader.ToRemoveAsync(cancellationToken) : [];
        var taken = await ListFile.WriteAsync(remove, Lines(order.List, source), order.First ? reader.RemovedRowsAsync(cancellationToken) : AsyncEnumerable.Empty<ListRow>(), cancellationToken);
        return new ListDelta(
            [new(stem + "_add.csv", "add", 0, added.Rows, added.Bytes, added.Sha256), new(stem + "_remove.csv", "remove", 0, taken.Rows, taken.Bytes, taken.Sha256)],
            [.. removed.Select(customer => customer with { RemovedWith = stem + "_remove.csv" })], taken.Skipped);
    }

    private ListLines Lines(ListSpec list, ListSource source) => new(list.Profile, new Dictionary<ListFact, string>
    {
        [ListFact.CampaignId] = $"{list.Campaign.Id}",
        [ListFact.ExportId] = ListNames.Of(list.Campaign, list.Profile, list.Date, list.Arm)["aud_".Length..],
        [ListFact.Group] = ListNames.Group(list.Arm),
        [ListFact.ModelVersion] = source.Model,
        [ListFact.ScoredAt] = ListLines.Instant(source.ScoredAt),
        [ListFact.ExpiresAt] = ListLines.Instant(source.ImpressionsAt.AddDays(list.Campaign.WindowDays)),
    }, identifiers.Open);

    private static ListManifest Manifest(
        ListOrder order, ListSource source, ListLines lines, FileFigures figures, IReadOnlyList<WithheldCustomer> withheld, string stem, int revision, ListDelta? delta,
        ExportedList? before, long run, DateTimeOffset at)
    {
        var (list, profile) = (order.List, order.List.Profile);
        var because = withheld.GroupBy(customer => customer.Reason).OrderBy(reason => reason.Key, StringComparer.Ordinal).ToDictionary(reason => reason.Key, reason => (long)reason.Count());
        return new ListManifest(
            stem + ".csv", revision, figures.Rows, figures.Bytes, Convert.ToHexStringLower(figures.Sha256), $"{profile.Name} {profile.Version}",
            [.. profile.Columns.Select(column => column.Header)], lines.Fields, list.Campaign.Id, list.Date, ListNames.Group(list.Arm),
            new ManifestGate(order.Planned, withheld.Count, because, figures.Skipped, at, list.Campaign.ConsentPurpose),
            source.Model, source.ScoredAt, new ManifestSplit(source.SplitMethod, ListNames.Fingerprint(list.Campaign.Salt), source.SplitWinner),
            order.By, run, ApprovedBy: null, delta?.Add, delta?.Remove,
            before is null ? null : new ManifestFile(before.FileName, before.Rows, Convert.ToHexStringLower(before.Sha256)), Warnings(profile, figures));
    }

    private static IReadOnlyList<string> Warnings(ChannelProfile profile, FileFigures figures) => figures.Rows >= profile.SmallestList ? [] :
        [FormattableString.Invariant($"{figures.Rows:N0} rows: {profile.Name} cannot use a list of fewer than {profile.SmallestList:N0}, and fewer of them will be matched.")];
}

/// <param name="Unknown">customers to be removed whom the channel could not tell</param>
internal sealed record ListDelta(IReadOnlyList<ExportedFile> Files, IReadOnlyList<WithheldCustomer> Removed, long Unknown)
{
    public ManifestFile Add => Of("add", 0);

    public ManifestFile Remove => Of("remove", Unknown);

    private ManifestFile Of(string part, long unknown) =>
        Files.Where(file => file.Part == part).Select(file => new ManifestFile(file.FileName, file.Rows, Convert.ToHexStringLower(file.Sha256), unknown)).Single();
}
