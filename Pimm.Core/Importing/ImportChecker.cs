namespace Pimm.Core.Importing;

/// <summary>What an import would say of a file: read whole, nothing written.</summary>
/// <param name="Good">rows that would be created or update</param>
/// <param name="Problems">the first ones, raw rows left out</param>
/// <param name="Codes">problems and warnings by code</param>
/// <param name="Unmapped">columns that the mapping says nothing of: they are left out</param>
public sealed record ImportCheck(
    long Received, long Good, long Skipped, long Quarantined, long Warnings, IReadOnlyDictionary<string, long> Codes,
    IReadOnlyList<ImportProblem> Problems, IReadOnlyList<string> Unmapped, IReadOnlyList<string> Notes)
{
    /// <summary>Of the good rows; null: of customers alone it can be told beforehand.</summary>
    public long? Created { get; init; }

    /// <summary>Likewise; created + updated are the good rows.</summary>
    public long? Updated { get; init; }

    /// <summary>As the landing will count it: the rows of erased customers are skipped.</summary>
    internal ImportCheck With(ImportForecast forecast) => this with
    {
        Good = Good - forecast.Erased, Skipped = Skipped + forecast.Erased, Created = Good - forecast.Erased - forecast.Known, Updated = forecast.Known,
    };
}

/// <summary>What the newest version of an audience says of a file's good rows.</summary>
/// <param name="Known">customers whom it has</param>
/// <param name="Erased">customers who are never imported again</param>
public sealed record ImportForecast(long Known, long Erased);

/// <summary>Reads a file as its import would, without a database: what only the landing can tell (unknown customers of outcomes) is not among it, and of customers who is known is looked up behind it.</summary>
internal sealed class ImportChecker(int chunkRows)
{
    private const int ShownProblems = 100;

    public ImportCheck Check(FileIntake intake, DelimitedReader file, ImportProgress progress, Action<double> report, CancellationToken cancellationToken)
    {
        var rows = intake.Open(file, progress with { Version = progress.Version ?? 0 });
        var (good, skipped, quarantined, warnings) = (0L, 0L, 0L, 0L);
        var codes = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var shown = new List<ImportProblem>();
        while (!rows.AtEnd)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var problems = new List<ImportProblem>();
            good += rows.Check(problems, chunkRows);
            (skipped, quarantined, warnings) = (skipped + rows.Skipped, quarantined + problems.Count, warnings + rows.Warnings.Count);
            foreach (var problem in problems.Concat(rows.Warnings))
            {
                codes[problem.Code] = codes.GetValueOrDefault(problem.Code) + 1;
                if (shown.Count < ShownProblems)
                {
                    shown.Add(problem with { Raw = null });
                }
            }
            report(rows.ShareRead);
        }
        return new ImportCheck(rows.Received, good, skipped, quarantined, warnings, codes, shown,
            intake.Options.Mapping is { } mapping ? MappedColumns.Unmapped(file.Names, mapping) : [], intake.Notes);
    }
}
