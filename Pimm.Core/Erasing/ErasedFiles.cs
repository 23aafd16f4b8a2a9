using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using Dapper;
using Npgsql;
using Pimm.Core.Queueing;
using Pimm.Core.Retaining;

namespace Pimm.Core.Erasing;

/// <summary>Files that hold a person: a list goes as a whole and can be written again without the person; so does an outcome file whose events are counted.</summary>
public sealed class ErasedFiles(WorkFolders folders, RetentionPlan plan)
{
    private const int LineBytes = 1 << 20;

    private static readonly EnumerationOptions Everything = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };

    private const string SelectLists =
        """
        select e.campaign_id, e.wave_date, e.arm, e.channel, e.file_name
          from export e
         where e.file_removed_at is null and exists (
               select from wave_plan p
                where p.customer = @Customer and p.campaign_id = e.campaign_id and p.wave_date = e.wave_date and p.arm = e.arm and p.policy = e.arm and p.action = 1)
         order by e.campaign_id, e.wave_date, e.arm, e.channel
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

    /// <summary>Those whose events are counted, or were refused. One that waits is not touched: its events are counted first.</summary>
    /// <returns>how many files</returns>
    public Task<long> RemoveOutcomesAsync(JobExecution run, OpenErasure erasure)
    {
        if (erasure.Traces.FieldPattern() is not { } pattern || !Directory.Exists(folders.Inbox))
            return Task.FromResult(0L);
        var person = new Regex(pattern, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);
        var removed = 0L;
        foreach (var path in Directory.EnumerateFiles(folders.Inbox, "*", Everything).Where(path => Holds(path, person)))
        {
            if (Path.GetFileName(Path.GetDirectoryName(path)) is "taken" or "refused")
            {
                File.Delete(path);
                removed++;
            }
            else
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

    private static bool Holds(string path, Regex person)
    {
        using var file = File.OpenRead(path);
        using var content = IsGzip(file) ? new GZipStream(file, CompressionMode.Decompress) : (Stream)file;
        using var reader = new StreamReader(content, Encoding.UTF8);
        var buffer = new char[LineBytes];
        // What a block ends with is looked at again with the next one, so that nothing is cut in two.
        var kept = 0;
        for (int read; (read = reader.ReadBlock(buffer, kept, buffer.Length - kept)) > 0;)
        {
            var text = buffer.AsSpan(0, kept + read);
            if (person.IsMatch(text))
                return true;
            kept = Math.Min(text.Length / 2, 4_096);
            text[^kept..].CopyTo(buffer);
        }
        return false;
    }

    private static bool IsGzip(FileStream file)
    {
        Span<byte> head = stackalloc byte[2];
        var gzip = file.ReadAtLeast(head, 2, throwOnEndOfStream: false) == 2 && head is [0x1f, 0x8b];
        file.Position = 0;
        return gzip;
    }
}
