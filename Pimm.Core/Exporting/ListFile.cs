using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Pimm.Core.Queueing;

namespace Pimm.Core.Exporting;

/// <summary>The content of a list: a header and one line a customer, lines ended by LF, UTF-8 without byte-order mark.</summary>
internal static class ListFile
{
    private const int BufferBytes = 1 << 16;

    /// <summary>Streams a list to a file that is on the disk when this returns; memory holds a buffer of it.</summary>
    public static async Task<(long Rows, long Bytes, byte[] Sha256)> WriteAsync(
        string path, long campaignId, DateOnly waveDate, IAsyncEnumerable<string> keys, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, BufferBytes);
        var rest = string.Create(CultureInfo.InvariantCulture, $",{campaignId},{waveDate:yyyy-MM-dd}\n");
        Append(file, hash, "customer,campaign,wave\n");
        var rows = 0L;
        await foreach (var key in keys.WithCancellation(cancellationToken))
        {
            Append(file, hash, string.Concat(Quoted(key), rest));
            rows++;
        }
        FaultPoint.Reach("export.part-written");
        file.Flush(flushToDisk: true);
        return (rows, file.Length, hash.GetHashAndReset());
    }

    private static void Append(FileStream file, IncrementalHash hash, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        hash.AppendData(bytes);
        file.Write(bytes);
    }

    private static string Quoted(string value) =>
        value.AsSpan().IndexOfAny(",\"\n\r") < 0 ? value : $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
