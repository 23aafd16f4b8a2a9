using System.Text;
using System.Text.Json;

namespace Pimm.Core.Auditing;

/// <summary>A row of the chain by its number and hash, noted outside the database.</summary>
/// <param name="Hash">lower-case hex</param>
/// <param name="At">when it was noted</param>
/// <param name="Restored">the database was restored from a backup whose chain ends here: what was noted before may lie behind it</param>
public sealed record AuditHead(long Id, string Hash, DateTimeOffset At, bool Restored = false)
{
    public static AuditHead Of(AuditEvent row, DateTimeOffset at) => new(row.Id, Convert.ToHexStringLower(row.RowHash), at);
}

/// <summary>Where the ends of the chain are noted, one JSON object a line: rows that are cut off the end of the chain are missed by it.</summary>
public sealed class AuditHeadFile(string path)
{
    public string Path { get; } = path;

    /// <summary>Null where nothing was noted yet.</summary>
    /// <exception cref="InputException">a line is not one of ours</exception>
    public async Task<IReadOnlyList<AuditHead>?> ReadAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(Path))
            return null;
        var lines = await File.ReadAllLinesAsync(Path, cancellationToken);
        return [.. lines.Select((line, index) => (line, index)).Where(item => item.line.Length > 0).Select(item => Parse(item.line, item.index + 1))];
    }

    /// <summary>One line, on disk when this returns.</summary>
    public async Task AppendAsync(AuditHead head, CancellationToken cancellationToken)
    {
        if (System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path)) is { } folder)
            Directory.CreateDirectory(folder);
        await using var file = new FileStream(Path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        await file.WriteAsync(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(head, JsonSerializerOptions.Web) + "\n"), cancellationToken);
        file.Flush(flushToDisk: true);
    }

    private AuditHead Parse(string line, int number)
    {
        try
        {
            if (JsonSerializer.Deserialize<AuditHead>(line, JsonSerializerOptions.Web) is { Id: > 0, Hash.Length: 64 } head)
                return head;
        }
        catch (JsonException)
        {
            // As below.
        }
        throw new InputException($"Line {number} of {Path} is no noted end of the audit log: restore the file, or name another one with --head.");
    }
}
