using System.Security.Cryptography;
using System.Text;

namespace Pimm.Core.Exporting;

/// <summary>What was written to the disk.</summary>
/// <param name="Skipped">customers without a line: the channel could not tell who they are</param>
/// <param name="WithoutLine">a bit for each customer in the order of the rows, set for those who were skipped; null: nobody was</param>
internal sealed record FileFigures(long Rows, long Skipped, long Bytes, byte[] Sha256, byte[]? WithoutLine = null);

/// <summary>The content of a list: a header and one line a customer, lines ended by LF, UTF-8 without byte-order mark.</summary>
internal static class ListFile
{
    /// <summary>Streams a list to a file that is on the disk when this returns.</summary>
    public static async Task<FileFigures> WriteAsync(string path, ListLines lines, IAsyncEnumerable<ListRow> rows, CancellationToken cancellationToken)
    {
        await using var file = new ListFileWriter(path, lines.Header);
        await foreach (var row in rows.WithCancellation(cancellationToken))
            file.Add(lines, row);
        return file.Finish();
    }

    /// <summary>A small file, likewise.</summary>
    public static FileFigures WriteText(string path, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None);
        file.Write(bytes);
        file.Flush(flushToDisk: true);
        return new FileFigures(0, 0, bytes.Length, SHA256.HashData(bytes));
    }

    public static void Copy(string from, string to)
    {
        File.Copy(from, to, overwrite: true);
        using var file = new FileStream(to, FileMode.Open, FileAccess.ReadWrite);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Whether a list is an older one without some of its lines, and how many these are; null where anything else differs.</summary>
    public static async Task<long?> LinesLeftOutAsync(string older, string newer, CancellationToken cancellationToken)
    {
        using var before = new StreamReader(older);
        using var after = new StreamReader(newer);
        var (leftOut, wanted) = (0L, await after.ReadLineAsync(cancellationToken));
        while (await before.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line == wanted)
                wanted = await after.ReadLineAsync(cancellationToken);
            else
                leftOut++;
        }
        return wanted is null ? leftOut : null;
    }
}
