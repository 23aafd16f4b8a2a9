using System.Security.Cryptography;

namespace Pimm.Core.Safekeeping;

/// <summary>Files on their way into a backup and out of it: copied and hashed in one pass, flushed, never half there.</summary>
internal static class KeptFiles
{
    private const int BufferSize = 1 << 20;

    public static async Task<BackupFile> CopyAsync(string from, string folder, string path, CancellationToken cancellationToken)
    {
        var target = Path.Combine(folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferSize];
        long bytes = 0;
        await using (var source = new FileStream(from, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1, useAsync: true))
        await using (var copy = new FileStream(target, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, useAsync: true))
        {
            for (int read; (read = await source.ReadAsync(buffer, cancellationToken)) > 0; bytes += read)
            {
                hash.AppendData(buffer, 0, read);
                await copy.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            }
            copy.Flush(flushToDisk: true);
        }
        return new BackupFile(path, bytes, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    public static async Task<BackupFile> DescribeAsync(string folder, string path, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(Path.Combine(folder, path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, BufferSize, useAsync: true);
        return new BackupFile(path, file.Length, Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken)));
    }

    /// <summary>Paths below the folder, with forward slashes, in order; without what is only half written.</summary>
    public static IReadOnlyList<string> List(string folder) => !Directory.Exists(folder) ? [] :
    [
        .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(path => !path.EndsWith(".tmp", StringComparison.Ordinal))
            .Select(path => Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/'))
            .Order(StringComparer.Ordinal)
    ];

    /// <exception cref="InputException">a file is missing, has another length or another hash</exception>
    public static async Task VerifyAsync(string folder, IReadOnlyList<BackupFile> files, CancellationToken cancellationToken)
    {
        foreach (var file in files)
        {
            var path = Path.Combine(folder, file.Path);
            if (!File.Exists(path))
                throw new InputException($"The backup in {folder} lacks {file.Path}: restore another one.");
            if (await DescribeAsync(folder, file.Path, cancellationToken) != file)
                throw new InputException($"{file.Path} of the backup in {folder} is not as it was written (its SHA-256 differs): restore another one.");
        }
    }
}
