using System.Security.Cryptography;
using Pimm.Core.Queueing;

namespace Pimm.Core.Exporting;

/// <summary>
/// A channel may have the list already: what was handed out is replaced only by the same list without customers who may not be
/// contacted any more, under another name.
/// </summary>
internal static class RevisionCheck
{
    /// <returns>null, or why the list stays as it was handed out: something else has changed</returns>
    public static async Task<string?> RefusalAsync(JobExecution run, ListDraft draft, string olderFile, CancellationToken cancellationToken)
    {
        var (before, now) = (draft.Before!, draft.Figures);
        var more = draft.Withheld.Count - before.Withheld;
        if (before.Manifest is not null && more > 0)
        {
            if (!File.Exists(olderFile) || !(await HashAsync(olderFile, cancellationToken)).AsSpan().SequenceEqual(before.Sha256))
            {
                run.Warn($"{before.FileName} is not there as it was written: that its revision only leaves {more} customers out was seen by their number, not line by line.");
                if (now.Rows + now.Skipped + more == before.Rows + before.Unlisted)
                    return null;
            }
            // Of those withheld some may have had no line before either.
            else if (await ListFile.LinesLeftOutAsync(olderFile, draft.Path, cancellationToken) is { } leftOut && leftOut <= more)
                return null;
        }
        return
            $"The list {before.FileName} was exported with the hash {Convert.ToHexStringLower(before.Sha256)[..12]}… and would now have {Convert.ToHexStringLower(now.Sha256)[..12]}…, so plans, customers or their identifiers were altered meanwhile: "
            + "the file was left as it was; find out what changed them.";
    }

    private static async Task<byte[]> HashAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = File.OpenRead(path);
        return await SHA256.HashDataAsync(file, cancellationToken);
    }
}
