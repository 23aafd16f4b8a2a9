namespace Pimm.Core.Importing;

/// <summary>What an import's run tells: filled inside the transaction, serialised when it ends.</summary>
public sealed class ImportResult
{
    public long ImportFileId { get; set; }

    public ImportCounts? Counts { get; set; }

    /// <summary>Set when the very same bytes had been imported before: the file then has no effect.</summary>
    public DateTimeOffset? AlreadyImportedAt { get; set; }

    /// <summary>What a person should know of a file that was taken in: one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; set; } = [];

    public static ImportResult Of(ImportedFile same) => new()
    {
        ImportFileId = same.Id, AlreadyImportedAt = same.ImportedAt,
        Counts = new ImportCounts(same.Received, same.Created, same.Updated, same.Skipped, same.Quarantined),
    };
}
