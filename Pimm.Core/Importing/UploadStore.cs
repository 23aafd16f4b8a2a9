using System.Globalization;
using System.Security.Cryptography;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Pimm.Core.Importing;

/// <summary>A file that was sent and waits for its import.</summary>
/// <param name="FileName">as the sender called it: shown, never used as a path</param>
/// <param name="StoredAs">its name in the folder of uploads</param>
/// <param name="RemovedAt">when its bytes went; null: they are there</param>
public sealed record Upload(
    long Id, string FileName, string StoredAs, long Bytes, byte[] Sha256, string UploadedBy, DateTimeOffset UploadedAt, DateTimeOffset? RemovedAt);

/// <summary>Takes files that are sent into the folder of uploads: streamed, hashed on the way, cut off at the largest size.</summary>
public sealed class UploadStore(NpgsqlDataSource database, IOptions<ImportingOptions> options, TimeProvider time)
{
    private const int LongestName = 200;

    private const string Insert =
        """
        insert into upload(file_name, stored_as, bytes, sha256, uploaded_by, uploaded_at)
        values (@fileName, @storedAs, @bytes, @sha256, @by, @at) returning id
        """;

    private const string SelectUpload =
        "select id, file_name, stored_as, bytes, sha256, uploaded_by, uploaded_at, removed_at from upload where id = @id";

    private const string SelectWaiting =
        "select id, file_name, stored_as, bytes, sha256, uploaded_by, uploaded_at, removed_at from upload where removed_at is null order by id";

    private const string MarkRemoved = "update upload set removed_at = @at where id = @id and removed_at is null";

    // Of runs that ended, however they did: a worker that died between an import's end and its file leaves the file behind.
    private const string SelectForgotten =
        """
        with used as (
            select (d.request->>'uploadId')::bigint as upload_id, j.id = d.apply_run_id as applies, j.state in ('succeeded', 'failed', 'cancelled') as ended
              from import_draft d join job_run j on j.id in (d.check_run_id, d.apply_run_id))
        select u.id from upload u
         where u.removed_at is null
           and (u.uploaded_at < @before or exists (select from used d where d.upload_id = u.id and d.applies and d.ended))
           and not exists (select from used d where d.upload_id = u.id and not d.ended)
        """;

    private string Inbox => Path.GetFullPath(Path.Combine(options.Value.Uploads, "inbox"));

    private string Outbox => Path.GetFullPath(Path.Combine(options.Value.Uploads, "outbox"));

    /// <summary>Where bad rows are written before they go out: they may hold identifiers, so nobody else may read the folder.</summary>
    public string NewDownload()
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(Outbox);
        }
        else
        {
            Directory.CreateDirectory(Outbox, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        Sweep(Outbox, "*");
        return Path.Combine(Outbox, Path.GetRandomFileName());
    }

    /// <summary>Memory stays at one buffer whatever the size; what breaks off leaves nothing.</summary>
    /// <param name="fileName">for people; folders and control characters in it are dropped</param>
    /// <param name="by">as the audit names actors</param>
    /// <exception cref="InputException">larger than Importing:MaximumUploadBytes, or empty</exception>
    public async Task<Upload> ReceiveAsync(Stream body, string fileName, string by, CancellationToken cancellationToken)
    {
        options.Value.Validate();
        Directory.CreateDirectory(Inbox);
        await SweepAsync(cancellationToken);
        var storedAs = $"{Path.GetFileNameWithoutExtension(Path.GetRandomFileName())}{Path.GetFileNameWithoutExtension(Path.GetRandomFileName())}.upload";
        var unfinished = Path.Combine(Inbox, storedAs + ".part");
        try
        {
            var (bytes, sha256) = await StoreAsync(body, unfinished, cancellationToken);
            File.Move(unfinished, Path.Combine(Inbox, storedAs));
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
            var (name, at) = (ShownName(fileName), time.GetUtcNow());
            var id = await connection.ExecuteScalarAsync<long>(Insert, new { fileName = name, storedAs, bytes, sha256, by, at });
            return new Upload(id, name, storedAs, bytes, sha256, by, at, null);
        }
        catch
        {
            File.Delete(unfinished);
            File.Delete(Path.Combine(Inbox, storedAs));
            throw;
        }
    }

    /// <exception cref="InputException">no such upload, or its bytes are gone</exception>
    public async Task<Upload> GetAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var upload = await connection.QuerySingleOrDefaultAsync<Upload>(new CommandDefinition(SelectUpload, new { id }, cancellationToken: cancellationToken))
            ?? throw new InputException($"There is no upload {id}.") { Code = ImportCode.NoFile };
        return upload.RemovedAt is null && File.Exists(PathOf(upload)) ? upload
            : throw new InputException($"The bytes of upload {id} ({upload.FileName}) are gone: they are removed when they are imported, and {options.Value.KeepUploads.TotalDays:0.#} days after they were sent; send the file again.") { Code = ImportCode.NoFile };
    }

    /// <summary>Those whose bytes are there.</summary>
    public async Task<IReadOnlyList<Upload>> WaitingAsync(NpgsqlConnection connection) => [.. await connection.QueryAsync<Upload>(SelectWaiting)];

    public string PathOf(Upload upload) => Path.Combine(Inbox, upload.StoredAs);

    /// <summary>Its bytes go, its row stays.</summary>
    public async Task RemoveAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        if (await connection.QuerySingleOrDefaultAsync<Upload>(new CommandDefinition(SelectUpload, new { id }, cancellationToken: cancellationToken)) is { } upload)
        {
            File.Delete(PathOf(upload));
            await connection.ExecuteAsync(new CommandDefinition(MarkRemoved, new { id, at = time.GetUtcNow() }, cancellationToken: cancellationToken));
        }
    }

    /// <summary>Files whose import has ended, well or not, and those that nobody imported for Importing:KeepUploads, go; never one that a run still needs.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken = default)
    {
        Directory.CreateDirectory(Inbox);
        List<long> forgotten;
        await using (var connection = await database.OpenConnectionAsync(cancellationToken))
        {
            forgotten = (await connection.QueryAsync<long>(new CommandDefinition(SelectForgotten, new { before = time.GetUtcNow() - options.Value.KeepUploads }, cancellationToken: cancellationToken))).AsList();
        }
        foreach (var id in forgotten)
        {
            await RemoveAsync(id, cancellationToken);
        }
        Sweep(Inbox, "*.part");
        Sweep(Outbox, "*");
    }

    /// <summary>What a process that died was writing goes after a day.</summary>
    private void Sweep(string folder, string pattern)
    {
        if (!Directory.Exists(folder))
        {
            return;
        }
        var abandoned = time.GetUtcNow() - TimeSpan.FromDays(1);
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles(pattern).Where(file => file.LastWriteTimeUtc < abandoned.UtcDateTime))
        {
            file.Delete();
        }
    }

    private async Task<(long Bytes, byte[] Sha256)> StoreAsync(Stream body, string path, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0, FileOptions.Asynchronous | FileOptions.SequentialScan);
        var buffer = new byte[1 << 17];
        var (bytes, read) = (0L, 0);
        while ((read = await body.ReadAsync(buffer, cancellationToken)) > 0)
        {
            bytes += read;
            RefuseTooLarge(bytes);
            hash.AppendData(buffer, 0, read);
            await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }
        file.Flush(flushToDisk: true);
        return bytes > 0 ? (bytes, hash.GetHashAndReset()) : throw new InputException("The file that was sent is empty.") { Code = ImportCode.EmptyFile };
    }

    /// <exception cref="InputException">more bytes than Importing:MaximumUploadBytes</exception>
    public void RefuseTooLarge(long bytes)
    {
        if (bytes > options.Value.MaximumUploadBytes)
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"The file is larger than the {options.Value.MaximumUploadBytes / 1e9:0.###} GB ({options.Value.MaximumUploadBytes:N0} bytes) that Importing:MaximumUploadBytes allows: pack it with gzip, split it, or import it with pimm import.")) { Code = ImportCode.UploadTooLarge };
        }
    }

    /// <summary>The last part of what the sender called it, without control and direction marks.</summary>
    private static string ShownName(string fileName)
    {
        var last = fileName.Split('/', '\\')[^1];
        var shown = string.Concat(last.Where(letter => !char.IsControl(letter) && char.GetUnicodeCategory(letter) != UnicodeCategory.Format && !char.IsSurrogate(letter)));
        return shown.Length == 0 ? "upload" : shown[..Math.Min(shown.Length, LongestName)];
    }
}
