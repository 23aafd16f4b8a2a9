using System.Text;
using System.Text.RegularExpressions;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Retaining;

namespace Pimm.Core.Erasing;

/// <summary>Files that hold a person: a list goes as a whole and can be written again without the person; so does an outcome file whose events are counted.</summary>
public sealed class ErasedFiles(WorkFolders folders, RetentionPlan plan, UploadStore uploads, IOptions<ImportingOptions> importing)
{
    private enum Seen
    {
        Nobody,
        Person,
        Unreadable,
    }

    private const int LineBytes = 1 << 20;

    private static readonly EnumerationOptions Everything = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };

    // The list itself where the person was not kept off it; what was added with it; older lists that a revision replaced; and files that
    // took the person back from a channel.
    private const string SelectLists =
        """
        with planned as (
            select p.campaign_id, p.wave_date, p.arm from wave_plan p where p.customer = @Customer and p.arm = p.policy and p.action = 1),
        withheld as (
            select campaign_id, wave_date, arm, channel, removed_with from export_withheld where customer = @Customer)
        select campaign_id, wave_date, arm, channel, file_name from export e join planned using (campaign_id, wave_date, arm)
         where file_removed_at is null and not exists (select from withheld w where (w.campaign_id, w.wave_date, w.arm, w.channel) = (e.campaign_id, e.wave_date, e.arm, e.channel) and w.removed_with is null)
        union
        select campaign_id, wave_date, arm, channel, file_name from export_file join planned using (campaign_id, wave_date, arm)
         where file_removed_at is null and part in ('add', 'replaced')
        union
        select f.campaign_id, f.wave_date, f.arm, f.channel, f.file_name from export_file f join withheld w on w.removed_with = f.file_name
         where f.file_removed_at is null
         order by file_name
        """;

    /// <summary>The files first: a row that says a file is there is put right by the next try.</summary>
    /// <returns>how many lists</returns>
    public async Task<long> RemoveListsAsync(JobExecution run, NpgsqlConnection connection, OpenErasure erasure)
    {
        var lists = (await connection.QueryAsync<KeptList>(SelectLists, erasure)).AsList();
        foreach (var list in lists)
        {
            File.Delete(plan.ListPath(list));
            RemoveUnfinished(list, erasure.RequestedAt);
            run.Log($"The list {list.FileName} named the person and was removed; written again, it does not.");
        }
        await RetentionStore.MarkRemovedAsync(connection, lists);
        return lists.Count;
    }

    /// <summary>Uploads that wait for their import, or whose import failed: whoever sent one sends it again, without the person.</summary>
    /// <returns>how many files</returns>
    public async Task<long> RemoveUploadsAsync(JobExecution run, NpgsqlConnection connection, OpenErasure erasure)
    {
        if (PersonOf(erasure) is not { } person)
            return 0;
        var removed = 0L;
        foreach (var upload in await uploads.WaitingAsync(connection))
        {
            if (File.Exists(uploads.PathOf(upload)) && Look(run, uploads.PathOf(upload), person) is Seen.Person)
            {
                await uploads.RemoveAsync(upload.Id);
                run.Warn($"Upload {upload.Id} named the person and was removed; it has to be sent again without.");
                removed++;
            }
        }
        return removed;
    }

    /// <summary>Those whose events are counted, or were refused. One that waits is not touched: its events are counted first.</summary>
    /// <returns>how many files</returns>
    public Task<long> RemoveOutcomesAsync(JobExecution run, OpenErasure erasure)
    {
        if (PersonOf(erasure) is not { } person || !Directory.Exists(folders.Inbox))
            return Task.FromResult(0L);
        var removed = 0L;
        foreach (var path in Directory.EnumerateFiles(folders.Inbox, "*", Everything))
        {
            var (seen, folder) = (Look(run, path, person), Path.GetFileName(Path.GetDirectoryName(path)));
            // Nobody reads a refused file again, so one that cannot be looked through goes too.
            if (folder is "refused" && seen is not Seen.Nobody || folder is "taken" && seen is Seen.Person)
            {
                File.Delete(path);
                removed++;
            }
            else if (seen is Seen.Person)
            {
                run.Warn($"A file of the inbox that still waits ({Path.GetFileName(path)}) names the person: erase again when its events are counted.");
            }
        }
        return Task.FromResult(removed);
    }

    // Of attempts that died; whoever writes one now has begun without the person.
    private void RemoveUnfinished(KeptList list, DateTimeOffset before)
    {
        if (!Directory.Exists(folders.Exports))
            return;
        foreach (var path in Directory.EnumerateFiles(folders.Exports, $"{list.FileName}*.tmp").Where(path => File.GetLastWriteTimeUtc(path) < before))
            File.Delete(path);
    }

    private static Regex? PersonOf(OpenErasure erasure) =>
        erasure.Traces.FieldPattern() is { } pattern ? new Regex(pattern, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant) : null;

    private Seen Look(JobExecution run, string path, Regex person)
    {
        try
        {
            return Holds(path, person) ? Seen.Person : Seen.Nobody;
        }
        catch (Exception damaged) when (damaged is InvalidDataException or InputException or IOException or UnauthorizedAccessException)
        {
            run.Warn($"{Path.GetFileName(path)} could be looked through only in part ({damaged.Message}): remove it where it may name the person.");
            return Seen.Unreadable;
        }
    }

    private bool Holds(string path, Regex person)
    {
        using var file = File.OpenRead(path);
        using var content = FileContent.TextOf(file, Path.GetFileName(path), importing.Value.Unpacking);
        using var reader = new StreamReader(content, Encoding.UTF8);
        var buffer = new char[LineBytes];
        // What a block ends with is looked at again with the next one, so that nothing is cut in two.
        var kept = 0;
        for (int read; (read = Fill(reader, buffer.AsSpan(kept), out var damage)) > 0 || damage is not null;)
        {
            var text = buffer.AsSpan(0, kept + read);
            if (person.IsMatch(text))
                return true;
            if (damage is not null)
                throw damage;
            kept = Math.Min(text.Length / 2, 4_096);
            text[^kept..].CopyTo(buffer);
        }
        return false;
    }

    /// <summary>As much as there is, up to the damage.</summary>
    private static int Fill(StreamReader reader, Span<char> block, out Exception? damage)
    {
        var filled = 0;
        damage = null;
        try
        {
            for (int read; filled < block.Length && (read = reader.Read(block[filled..])) > 0;)
                filled += read;
        }
        catch (Exception e) when (e is InvalidDataException or InputException or IOException)
        {
            damage = e;
        }
        return filled;
    }
}
