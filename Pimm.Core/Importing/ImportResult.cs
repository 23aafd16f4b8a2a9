namespace Pimm.Core.Importing;

/// <summary>What an import's run tells: filled inside the transaction, serialised when it ends.</summary>
public sealed class ImportResult
{
    public const string NotKept = "not_kept";

    public long ImportFileId { get; set; }

    public ImportCounts? Counts { get; set; }

    /// <summary>Set when the very same bytes had been imported before: the file then has no effect.</summary>
    public DateTimeOffset? AlreadyImportedAt { get; set; }

    public string? AlreadyImportedBy { get; set; }

    /// <summary>Bad rows by code; <see cref="NotKept"/> are those beyond the kept ones.</summary>
    public IReadOnlyDictionary<string, long> Codes { get; set; } = new Dictionary<string, long>();

    /// <summary>The first problems, values masked.</summary>
    public IReadOnlyList<ShownProblem> First { get; set; } = [];

    /// <summary>What a person should know of a file that was taken in: one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; set; } = [];

    /// <summary>Fills in the problems, and says so where not all of them were kept.</summary>
    /// <param name="problems">those that were kept</param>
    /// <param name="warnings">rows and values, kept or not</param>
    internal void Tell(IReadOnlyList<ImportProblem> problems, long warnings)
    {
        var codes = problems.CountBy(problem => problem.Code).OrderBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary(pair => pair.Key, pair => (long)pair.Value);
        if (Counts?.Quarantined - problems.Count is > 0 and var others)
        {
            codes[NotKept] = others;
        }
        Codes = codes;
        First = [.. problems.Take(10).Select(ShownProblem.Of)];
        if (Counts is { } counts && Math.Max(counts.Quarantined, warnings) > ImportStore.KeptProblems)
        {
            Notes = [.. Notes, FormattableString.Invariant($"{ImportStore.KeptProblems:N0} of {counts.Quarantined:N0} bad rows and {Math.Min(warnings, ImportStore.KeptProblems):N0} of {warnings:N0} warnings are kept with the import; the others are counted only.")];
        }
    }

    public static ImportResult Of(ImportedFile same) => new()
    {
        ImportFileId = same.Id, AlreadyImportedAt = same.ImportedAt, AlreadyImportedBy = same.ImportedBy,
        Counts = new ImportCounts(same.Received, same.Created, same.Updated, same.Skipped, same.Quarantined) { Warnings = same.Warnings },
    };
}

/// <summary>A problem as a page, an answer or a terminal shows it.</summary>
public sealed record ShownProblem(long Line, string? Column, string Code, string? Value, string Message, string Remedy, bool Warning)
{
    public static ShownProblem Of(ImportProblem problem) => new(
        problem.Line, problem.Column, problem.Code, problem.Value, problem.Message, ImportCode.Remedy(problem.Code), problem.IsWarning);
}
