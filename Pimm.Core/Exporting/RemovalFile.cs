using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Pimm.Core.Exporting;

/// <summary>What a removal file came to.</summary>
/// <param name="File">its skipped ones had no line on the list either, or are not known any more</param>
/// <param name="AsKnownNow">customers who are named by what is known of them now: the list that they were on is not there as it was handed out</param>
internal sealed record RemovalFigures(FileFigures File, long AsKnownNow);

/// <summary>
/// Takes customers back from a channel with the very lines that it was given. Who stands in which line is told by the order of the
/// customers, and believed only of a file whose hash and number of lines are those that were handed out.
/// </summary>
internal sealed class RemovalFile(ListReader reader, string folder, ListLines lines)
{
    private const int BufferBytes = 1 << 16;

    public async Task<RemovalFigures> WriteAsync(string path, IReadOnlyList<WithheldCustomer> removed, CancellationToken cancellationToken)
    {
        var meant = removed.GroupBy(customer => customer.WaveDate).ToDictionary(wave => wave.Key, wave => wave.Select(customer => customer.Customer).ToHashSet());
        await using var to = new ListFileWriter(path, lines.Header);
        foreach (var list in await reader.HandedOutListsAsync([.. meant.Keys], cancellationToken))
        {
            await using var file = Open(list);
            if (file is null || !await IsAsHandedOutAsync(file, list, cancellationToken))
                continue;
            await CopyAsync(file, list, meant[list.WaveDate], to, cancellationToken);
            meant.Remove(list.WaveDate);
        }
        var before = to.Rows;
        if (meant.Count > 0)
        {
            var others = meant.Values.SelectMany(wave => wave).ToHashSet();
            await foreach (var row in reader.RemovedRowsAsync([.. meant.Keys], cancellationToken))
            {
                if (others.Contains(row.Customer))
                    to.Add(lines, row);
            }
        }
        return new RemovalFigures(to.Finish(), to.Rows - before);
    }

    private FileStream? Open(HandedOutList list)
    {
        try
        {
            return new FileStream(Path.Combine(folder, list.FileName), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, BufferBytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private async Task<bool> IsAsHandedOutAsync(FileStream file, HandedOutList list, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (buffer, ends) = (new byte[BufferBytes], 0L);
        for (int read; (read = await file.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            hash.AppendData(buffer, 0, read);
            ends += buffer.AsSpan(0, read).Count((byte)'\n');
            // No list of ours has one, and it would be read as another end of a line.
            if (buffer.AsSpan(0, read).Contains((byte)'\r'))
                return false;
        }
        return hash.GetHashAndReset().AsSpan().SequenceEqual(list.Sha256) && ends == list.Rows + 1 && await HasHeaderAsync(file, cancellationToken)
            && (list.WithoutLine ?? []).Sum(bits => (long)BitOperations.PopCount(bits)) == list.Unlisted
            && await reader.CountPassedAsync(list.WaveDate, cancellationToken) == list.Rows + list.Unlisted;
    }

    /// <summary>A list of an older version of the profile may have other columns than this file.</summary>
    private async Task<bool> HasHeaderAsync(FileStream file, CancellationToken cancellationToken)
    {
        var (header, found) = (Encoding.UTF8.GetBytes(lines.Header), new byte[Encoding.UTF8.GetByteCount(lines.Header)]);
        file.Position = 0;
        return await file.ReadAtLeastAsync(found, found.Length, throwOnEndOfStream: false, cancellationToken) == found.Length && found.AsSpan().SequenceEqual(header);
    }

    /// <summary>Customers and lines side by side; memory holds one of each.</summary>
    private async Task CopyAsync(FileStream file, HandedOutList list, HashSet<Guid> meant, ListFileWriter to, CancellationToken cancellationToken)
    {
        file.Position = 0;
        using var text = new StreamReader(file, Encoding.UTF8);
        await text.ReadLineAsync(cancellationToken);
        var place = 0L;
        await foreach (var customer in reader.PassedAsync(list.WaveDate, cancellationToken))
        {
            var line = list.HasLine(place++) ? await text.ReadLineAsync(cancellationToken) : null;
            if (!meant.Contains(customer))
                continue;
            if (line is null)
                to.Skip();
            else
                to.Add(line);
        }
    }
}
