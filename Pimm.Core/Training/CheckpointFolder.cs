using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Pimm.Core.Queueing;
using Pimm.Core.Safetensors;

namespace Pimm.Core.Training;

/// <summary>A checkpoint on the disk.</summary>
/// <param name="Sha256">of its bytes, 64 hexadecimal digits in lower case; the file beside it, .sha256, has it too</param>
public sealed record CheckpointFile(string Path, string Sha256);

/// <summary>
/// The checkpoints of one training: checkpoint-FENCE-NUMBER.safetensors, each with its SHA-256 beside it as sha256sum writes it. The
/// name carries the fence, so an attempt that was given up never overwrites those of its successor. The last two are kept.
/// </summary>
/// <param name="fence">of the attempt that writes; larger than that of every attempt before</param>
public sealed partial class CheckpointFolder(string folder, long fence)
{
    private const int Kept = 2;
    private int written;

    public string Path { get; } = folder;

    /// <summary>The largest fence there is; 0 in an empty folder.</summary>
    public static long LastFence(string folder) => Found(folder).Select(file => file.Fence).DefaultIfEmpty().Max();

    /// <summary>The whole ones, newest first.</summary>
    public IReadOnlyList<string> NewestFirst() => [.. Found(Path).Select(file => file.Path)];

    /// <summary>
    /// Temporary file → flush → hash → rename → flush of the directory: a crash anywhere leaves the checkpoints before it as they were.
    /// </summary>
    public CheckpointFile Write(Action<Stream> content)
    {
        if (written == 0)
        {
            // Not later: a folder that is gone was removed by the attempt that succeeded.
            Directory.CreateDirectory(Path);
        }

        var path = System.IO.Path.Combine(Path, string.Create(CultureInfo.InvariantCulture, $"checkpoint-{fence:D6}-{++written:D6}.safetensors"));
        var hash = WriteOrRemove(path + ".tmp", content);
        FaultPoint.Reach("train.checkpoint-written");
        DurableFile.WriteText(HashOf(path), $"{hash}  {System.IO.Path.GetFileName(path)}\n");
        DurableFile.Rename(path + ".tmp", path);
        FaultPoint.Reach("train.checkpoint-renamed");
        Prune();
        return new CheckpointFile(path, hash);
    }

    /// <exception cref="InputException">the file has not the hash beside it, or there is none</exception>
    public static CheckpointFile Verified(string path)
    {
        try
        {
            var wanted = File.ReadAllText(HashOf(path)).Split(' ')[0];
            using var bytes = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
            return Convert.ToHexStringLower(SHA256.HashData(bytes)) == wanted
                ? new CheckpointFile(path, wanted)
                : throw new InputException($"The checkpoint {path} is damaged: it does not have the hash beside it.");
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The checkpoint {path} cannot be read: {missing.Message}", missing);
        }
    }

    private static string WriteOrRemove(string path, Action<Stream> content)
    {
        try
        {
            return WriteTemporary(path, content);
        }
        catch
        {
            // On a full disk what was written of it is in the way of everybody.
            File.Delete(path);
            throw;
        }
    }

    private static string WriteTemporary(string path, Action<Stream> content)
    {
        using var sha = SHA256.Create();
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
        using (var hashed = new CryptoStream(file, sha, CryptoStreamMode.Write, leaveOpen: true))
        {
            content(hashed);
        }

        file.Flush(flushToDisk: true);
        return Convert.ToHexStringLower(sha.Hash!);
    }

    private void Prune()
    {
        foreach (var old in NewestFirst().Skip(Kept))
        {
            File.Delete(old);
            File.Delete(HashOf(old));
        }

        foreach (var left in Directory.EnumerateFiles(Path, "checkpoint-*.tmp").Where(IsOfAnAttemptBefore))
        {
            File.Delete(left);
        }
    }

    private bool IsOfAnAttemptBefore(string path) =>
        Name().Match(System.IO.Path.GetFileName(path)) is { Success: true } name && long.Parse(name.Groups[1].Value, CultureInfo.InvariantCulture) < fence;

    private static IEnumerable<(string Path, long Fence, long Number)> Found(string folder) => !Directory.Exists(folder) ? [] :
        from path in Directory.EnumerateFiles(folder, "checkpoint-*.safetensors")
        let name = Name().Match(System.IO.Path.GetFileName(path))
        where name.Success
        let found = (Path: path, Fence: long.Parse(name.Groups[1].Value, CultureInfo.InvariantCulture), Number: long.Parse(name.Groups[2].Value, CultureInfo.InvariantCulture))
        orderby found.Fence descending, found.Number descending
        select found;

    private static string HashOf(string path) => path + ".sha256";

    [GeneratedRegex(@"^checkpoint-(\d{1,18})-(\d{1,18})\.safetensors")]
    private static partial Regex Name();
}
