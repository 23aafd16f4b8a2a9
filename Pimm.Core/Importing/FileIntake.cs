using Npgsql;

namespace Pimm.Core.Importing;

/// <summary>A file that is being taken in: how far it is.</summary>
/// <param name="Id">of its import_file row</param>
/// <param name="Version">of customers: the version that the rows are written for</param>
/// <param name="Received">rows done, good and bad; a later attempt goes on behind them</param>
/// <param name="Written">good rows</param>
/// <param name="Skipped">rows left out on purpose</param>
/// <param name="Warnings">values dropped, and rows left out on purpose</param>
public sealed record ImportProgress(
    long Id, string FileName, int? Version, long Received, long Written, long Quarantined, long Skipped = 0, long Warnings = 0);

/// <summary>How a file is read and what for: rows read in another way are not gone on with.</summary>
/// <param name="Settings">the same text for the same way of reading</param>
/// <param name="AcceptBadShare">more bad rows than this stop the import with nothing applied, 0 to 1</param>
/// <param name="By">who asked, as the audit names actors; null: the run</param>
/// <param name="ReplayOf">the import whose mended bad rows these are</param>
public sealed record IntakeOptions(string Settings, double AcceptBadShare, ImportMapping? Mapping = null, string? By = null, long? ReplayOf = null);

/// <summary>What one kind of file does with its rows: where they wait until the file is finished, and what makes them seen.</summary>
public abstract class FileIntake(Audience audience, string kind, IntakeOptions options)
{
    public Audience Audience { get; } = audience;

    /// <summary>customers, history or outcomes</summary>
    public string Kind { get; } = kind;

    public IntakeOptions Options { get; } = options;

    public abstract FileRows Open(DelimitedReader file, ImportProgress progress);

    /// <summary>False when rows written by earlier chunks are gone: the file then starts over.</summary>
    public virtual Task<bool> IsIntactAsync(NpgsqlConnection connection, ImportProgress progress) => Task.FromResult(true);

    /// <summary>Takes every row that was written of an unfinished file away again, in the caller's transaction.</summary>
    public abstract Task RemoveAsync(NpgsqlConnection connection, ImportProgress progress);

    /// <summary>Makes the rows seen, in the transaction that ends the run.</summary>
    /// <param name="problems">kept ones, by line; what is found wrong only now is added</param>
    /// <exception cref="InputException">more bad rows than allowed</exception>
    public abstract Task<ImportCounts> LandAsync(NpgsqlConnection connection, ImportProgress progress, List<ImportProblem> problems);

    /// <summary>Looks up what the rows that were read would do, as things are now; null: only the landing can tell.</summary>
    public virtual Task<ImportForecast?> ForecastAsync(CancellationToken cancellationToken) => Task.FromResult<ImportForecast?>(null);

    /// <summary>What a person should know of the rows taken in: one sentence each.</summary>
    public virtual IReadOnlyList<string> Notes => [];
}
