using Microsoft.Extensions.Options;

namespace Pimm.Core.Auditing;

/// <summary>A look at the chain that takes a moment.</summary>
/// <param name="From">the first row that was looked at</param>
/// <param name="Noted">the newest end that was noted outside the database, after the whole chain was found intact; null: none was</param>
public sealed record AuditLook(AuditVerdict Verdict, long From, AuditHead? Noted);

/// <summary>Reads the whole chain and the file outside the database, and says where they first disagree.</summary>
public sealed class AuditVerifier(AuditLog log, IOptions<AuditingOptions> options, TimeProvider time)
{
    /// <param name="from">the first row to look at; the one before it is believed</param>
    /// <param name="headFile">null: that of the settings, where it exists</param>
    /// <exception cref="InputException">the named file does not exist or cannot be read</exception>
    public async Task<AuditVerdict> VerifyAsync(long from, string? headFile, CancellationToken cancellationToken)
    {
        var noted = await NotedAsync(headFile, cancellationToken);
        var wanted = noted.Where(head => head.Id >= from).ToLookup(head => head.Id);
        var (entries, found) = (0L, 0);
        AuditEvent? before = null;
        await foreach (var row in log.StreamAsync(new AuditFilter(AfterId: Math.Max(0, from - 2)), cancellationToken))
        {
            if (row.Id < from)
            {
                before = row;
                continue;
            }
            var fault = AuditChain.Fault(before, row) ?? wanted[row.Id].Select(head => Disagreement(head, row)).FirstOrDefault(sentence => sentence is not null);
            if (fault is not null)
                return new AuditVerdict(entries, HeadOf(before), fault);
            (before, entries, found) = (row, entries + 1, found + (wanted.Contains(row.Id) ? 1 : 0));
        }
        var lost = found == wanted.Count ? null : noted.Where(head => head.Id > (before?.Id ?? 0)).MinBy(head => head.Id);
        return new AuditVerdict(entries, HeadOf(before), lost is null ? null
            : $"Row {lost.Id} is missing: it was noted outside the database on {lost.At:yyyy-MM-dd HH:mm:ss} UTC, and the chain ends {(before is null ? "before its first row" : $"at row {before.Id}")}.");
    }

    /// <summary>A short chain whole; of a longer one what lies behind the last noted end, and of that the newest rows.</summary>
    /// <param name="most">rows to look at</param>
    public async Task<AuditLook> LookAsync(int most, CancellationToken cancellationToken)
    {
        var noted = (await NotedAsync(null, cancellationToken)).MaxBy(head => head.Id);
        var end = (await log.HeadAsync(cancellationToken))?.Id ?? 0;
        var from = end <= most ? 1 : Math.Max(Math.Min(noted?.Id ?? 1, end), end - most + 1);
        return new AuditLook(await VerifyAsync(from, null, cancellationToken), from, noted);
    }

    /// <summary>Notes the end of the chain as it is now outside the database, where the settings name a file for it.</summary>
    /// <param name="restored">the database was restored just now</param>
    /// <returns>null: there is no row, or no file is kept</returns>
    public async Task<AuditHead?> NoteHeadAsync(bool restored = false, CancellationToken cancellationToken = default)
    {
        if (options.Value.HeadFile.Length == 0 || await log.HeadAsync(cancellationToken) is not { } row)
            return null;
        var head = AuditHead.Of(row, time.GetUtcNow()) with { Restored = restored };
        await new AuditHeadFile(options.Value.HeadFile).AppendAsync(head, cancellationToken);
        return head;
    }

    /// <summary>What still has to be true: a restore took away what was noted behind its end.</summary>
    private async Task<IReadOnlyList<AuditHead>> NotedAsync(string? headFile, CancellationToken cancellationToken)
    {
        var path = headFile ?? options.Value.HeadFile;
        var all = path.Length == 0 ? null : await new AuditHeadFile(path).ReadAsync(cancellationToken);
        if (all is null && headFile is not null)
            throw new InputException($"There is no file {headFile}: name the one that the ends of the audit log were noted in.");
        var standing = new List<AuditHead>();
        foreach (var head in all ?? [])
        {
            if (head.Restored)
                standing.RemoveAll(other => other.Id >= head.Id);
            standing.Add(head);
        }
        return standing;
    }

    private AuditHead? HeadOf(AuditEvent? row) => row is null ? null : AuditHead.Of(row, time.GetUtcNow());

    private static string? Disagreement(AuditHead head, AuditEvent row) => head.Hash == Convert.ToHexStringLower(row.RowHash) ? null
        : $"Row {row.Id} is another one than was noted outside the database on {head.At:yyyy-MM-dd HH:mm:ss} UTC: the chain was written anew.";
}
