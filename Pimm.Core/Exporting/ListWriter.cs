using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Identifying;
using Pimm.Core.Queueing;

namespace Pimm.Core.Exporting;

/// <summary>One list with what lies beside it, on the disk and not yet in the database.</summary>
/// <param name="Withheld">to be recorded with it</param>
/// <param name="Refusal">why it is not written anew; only what is beside it is new, if anything</param>
internal sealed record WrittenList(ExportedList List, IReadOnlyList<ExportedFile> Beside, IReadOnlyList<WithheldCustomer> Withheld, bool IsNew, string? Refusal = null)
{
    /// <summary>Of a new list, see <see cref="FileFigures"/>.</summary>
    public byte[]? WithoutLine { get; init; }
}

/// <param name="Planned">customers whom the wave exports in this arm</param>
/// <param name="Taken">whom earlier lists of this arm in the run take back: this one takes back the others who were handed out before</param>
/// <param name="Others">whether the arm has other lists in this channel, of this run or before</param>
/// <param name="By">who asked for it</param>
/// <param name="ApprovedBy">who approved the campaign; null: nobody had to</param>
internal sealed record ListOrder(ListSpec List, long Planned, IReadOnlySet<(DateOnly Wave, Guid Customer)> Taken, bool Others, string By, string? ApprovedBy);

/// <summary>A list that is on the disk under a temporary name.</summary>
/// <param name="Before">the list that was handed out; null: none was</param>
internal sealed record ListDraft(
    ListOrder Order, ListSource Source, ListLines Lines, string Path, FileFigures Figures, IReadOnlyList<WithheldCustomer> Withheld, ExportedList? Before)
{
    public int Revision => (Before?.Revision ?? 0) + 1;

    /// <summary>The name without its ending.</summary>
    public string Name => ListNames.Of(Order.List.Campaign, Order.List.Profile, Order.List.Date, Order.List.Arm, Revision);
}

/// <summary>
/// Writes one list, its manifest and what changed since the last export. Files get their names when all of them are on the disk;
/// the same wave, identifiers and opt-outs give the same bytes whenever it is written.
/// </summary>
public sealed class ListWriter(NpgsqlDataSource database, ExportStore exports, Sealer sealer, IdentifierStore identifiers, IOptions<ExportingOptions> options)
{
    internal async Task<WrittenList> WriteAsync(JobExecution run, ListOrder order, DateTimeOffset at, CancellationToken cancellationToken)
    {
        await sealer.ReadyAsync(cancellationToken);
        await using var reader = await ListReader.OpenAsync(database, order.List, cancellationToken);
        using var files = new ListFiles(options.Value.Folder, run);
        var draft = await DraftAsync(files, reader, order, cancellationToken);
        if (draft.Before is { } before)
        {
            if (before.Sha256.AsSpan().SequenceEqual(draft.Figures.Sha256))
                return await AgainAsync(files, draft.Path, before, cancellationToken);
            if (await RevisionCheck.RefusalAsync(run, draft, Path.Combine(files.Folder, before.FileName), cancellationToken) is { } refusal)
                return await OnlyTakenBackAsync(run, files, reader, draft, refusal, cancellationToken);
        }
        files.Keep(draft.Path, draft.Name + ".csv");
        var delta = order.Others || draft.Before is not null ? await DeltaAsync(files, reader, draft, cancellationToken) : null;
        var text = ListManifest.Of(draft, delta, run.RunId, at).ToJson();
        var manifest = ListFile.WriteText(files.Add(draft.Name + ".manifest.json"), text);
        await files.PublishAsync(cancellationToken);
        return Written(draft, delta, new ExportedFile(draft.Name + ".manifest.json", "manifest", draft.Revision, 0, manifest.Bytes, manifest.Sha256), text, at);
    }

    /// <exception cref="InvalidOperationException">the rows are not those that the wave planned</exception>
    private async Task<ListDraft> DraftAsync(ListFiles files, ListReader reader, ListOrder order, CancellationToken cancellationToken)
    {
        var list = order.List;
        var source = await reader.SourceAsync(cancellationToken);
        var lines = Lines(list, source);
        var path = files.Temporary(ListNames.Of(list.Campaign, list.Profile, list.Date, list.Arm) + ".csv");
        var figures = await ListFile.WriteAsync(path, lines, reader.RowsAsync(source, cancellationToken), cancellationToken);
        // Who they are is asked where some are missing: it is the same work again.
        var withheld = figures.Rows + figures.Skipped == order.Planned ? [] : await reader.WithheldAsync(cancellationToken);
        if (figures.Rows + figures.Skipped + withheld.Count != order.Planned)
        {
            throw new InvalidOperationException(
                $"The list of arm {list.Arm} on {list.Date:yyyy-MM-dd} has {figures.Rows} customers, {figures.Skipped} without an identifier and {withheld.Count} withheld, where the wave exports {order.Planned}: nothing was written.");
        }
        var before = await exports.FindAsync(list.Campaign.Id, list.Date, list.Arm, list.Profile.Name, cancellationToken);
        return new ListDraft(order, source, lines, path, figures, withheld, before);
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

    /// <summary>Whatever else has changed, who may not be contacted is taken back: by a file of the run's own.</summary>
    private async Task<WrittenList> OnlyTakenBackAsync(JobExecution run, ListFiles files, ListReader reader, ListDraft draft, string refusal, CancellationToken cancellationToken)
    {
        var (list, before) = (draft.Order.List, draft.Before!);
        var removed = await ToRemoveAsync(reader, draft.Order, cancellationToken);
        if (removed.Count == 0)
            return new WrittenList(before, [], [], IsNew: false, refusal);
        var name = FormattableString.Invariant($"{ListNames.Of(list.Campaign, list.Profile, list.Date, list.Arm)}_x{run.RunId}_remove.csv");
        var (taken, asKnownNow) = await new RemovalFile(reader, files.Folder, Lines(list, draft.Source)).WriteAsync(files.Add(name), removed, cancellationToken);
        await files.PublishAsync(cancellationToken);
        run.Warn($"{name} takes back {taken.Rows} customers who may not be contacted any more{(asKnownNow > 0 ? $", {asKnownNow} of them as they are known now, since their list is gone" : "")}, and could not name {taken.Skipped} others.");
        return new WrittenList(
            before, [new ExportedFile(name, "remove", before.Revision, taken.Rows, taken.Bytes, taken.Sha256)],
            [.. removed.Select(customer => customer with { RemovedWith = name })], IsNew: false, refusal);
    }

    private static async Task<IReadOnlyList<WithheldCustomer>> ToRemoveAsync(ListReader reader, ListOrder order, CancellationToken cancellationToken) =>
        [.. (await reader.ToRemoveAsync(cancellationToken)).Where(customer => !order.Taken.Contains((customer.WaveDate, customer.Customer)))];

    private async Task<ListDelta> DeltaAsync(ListFiles files, ListReader reader, ListDraft draft, CancellationToken cancellationToken)
    {
        var (order, nobody) = (draft.Order, AsyncEnumerable.Empty<ListRow>());
        var (add, remove) = (files.Add(draft.Name + "_add.csv"), files.Add(draft.Name + "_remove.csv"));
        // A revision only takes back.
        var added = draft.Figures;
        if (draft.Before is null)
            ListFile.Copy(draft.Path, add);
        else
            added = await ListFile.WriteAsync(add, Lines(order.List, draft.Source), nobody, cancellationToken);
        var removed = await ToRemoveAsync(reader, order, cancellationToken);
        var (taken, asKnownNow) = await new RemovalFile(reader, files.Folder, Lines(order.List, draft.Source)).WriteAsync(remove, removed, cancellationToken);
        return new ListDelta(
            new ExportedFile(draft.Name + "_add.csv", "add", draft.Revision, added.Rows, added.Bytes, added.Sha256),
            new ExportedFile(draft.Name + "_remove.csv", "remove", draft.Revision, taken.Rows, taken.Bytes, taken.Sha256),
            [.. removed.Select(customer => customer with { RemovedWith = draft.Name + "_remove.csv" })], taken.Skipped, asKnownNow);
    }

    private static WrittenList Written(ListDraft draft, ListDelta? delta, ExportedFile manifest, string text, DateTimeOffset at)
    {
        var (list, figures) = (draft.Order.List, draft.Figures);
        List<ExportedFile> beside = [manifest];
        if (delta is not null)
            beside.AddRange([delta.Add, delta.Remove]);
        if (draft.Before is { } before)
            beside.Add(new ExportedFile(before.FileName, "replaced", before.Revision, before.Rows, before.Bytes, before.Sha256));
        return new WrittenList(
            new ExportedList(
                list.Campaign.Id, list.Date, list.Arm, list.Profile.Name, draft.Name + ".csv", figures.Rows, figures.Bytes, figures.Sha256, at,
                draft.Withheld.Count, figures.Skipped, draft.Revision, text),
            beside, [.. delta?.Removed ?? [], .. draft.Withheld], IsNew: true) { WithoutLine = figures.WithoutLine };
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
}

/// <summary>What changed since the last export of an arm in a channel.</summary>
/// <param name="Unknown">customers to be removed whom the channel could not tell</param>
/// <param name="AsKnownNow">customers to be removed whose line is not there any more: named by today's identifiers</param>
internal sealed record ListDelta(ExportedFile Add, ExportedFile Remove, IReadOnlyList<WithheldCustomer> Removed, long Unknown, long AsKnownNow);
