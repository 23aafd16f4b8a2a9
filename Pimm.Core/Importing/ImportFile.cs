using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using Pimm.Core.Queueing;

namespace Pimm.Core.Importing;

/// <summary>What a run of the kind "import" is asked to do.</summary>
/// <param name="Kind">customers or history</param>
/// <param name="AcceptBadShare">more bad rows than this stop the import with nothing applied, 0 to 1</param>
/// <param name="Order">reject, cascade-up or cascade-down, for funnel labels of history</param>
/// <param name="Delimiter">null: found</param>
public sealed record ImportRequest(long AudienceId, string Kind, string Path, double AcceptBadShare = 0.05, string Order = "reject", char? Delimiter = null);

/// <summary>Takes a file of customers or history into an audience's typed tables: all of its good rows or, when too many are bad, none.</summary>
public sealed class ImportFile(AudienceStore audiences, ImportStore imports) : IJob
{
    public const string JobKind = "import";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.ReadArguments<ImportRequest>();
        var audience = await audiences.GetAsync(request.AudienceId, cancellationToken);
        var sha256 = await HashAsync(request.Path, cancellationToken);
        if (await imports.FindSameAsync(audience.Id, request.Kind, sha256, cancellationToken) is { } same)
        {
            await run.CompleteAsync(ImportResult.Of(same), null, cancellationToken);
            return;
        }
        var version = 1 + ((await audiences.NewestVersionAsync(audience.Id, cancellationToken))?.Version ?? 0);
        using var file = DelimitedReader.Open(request.Path, request.Delimiter);
        var result = new ImportResult();
        await run.CompleteAsync(result, connection => ApplyAsync(connection, run, request, audience, version, file, sha256, result, cancellationToken), cancellationToken);
    }

    private async Task ApplyAsync(
        NpgsqlConnection connection, JobExecution run, ImportRequest request, Audience audience, int version, DelimitedReader file,
        byte[] sha256, ImportResult result, CancellationToken cancellationToken)
    {
        var id = await imports.BeginAsync(connection, audience.Id, request.Kind, file.Source, sha256, run.RunId);
        FileRows rows = request.Kind switch
        {
            "customers" => new CustomerRows(audience, file, version),
            "history" => new HistoryRows(audience, file, FunnelOrders.Parse(request.Order), id),
            _ => throw new InputException($"Files of the kind \"{request.Kind}\" are unknown: import customers, history or outcomes."),
        };
        var problems = new List<ImportProblem>();
        var written = await rows.CopyAsync(connection, problems, run, cancellationToken);
        RefuseTooManyBad(file, problems, request.AcceptBadShare);

        var known = request.Kind == "customers" ? await imports.CountKnownAsync(connection, audience, version) : 0;
        var counts = new ImportCounts(file.Rows, written - known, known, 0, problems.Count);
        await imports.FinishAsync(connection, id, counts, problems);
        if (request.Kind == "customers")
        {
            await imports.AddVersionAsync(connection, audience.Id, version, id, written);
        }
        (result.ImportFileId, result.Counts) = (id, counts);
        result.Notes = rows is HistoryRows history ? history.Notes() : [];
        foreach (var note in result.Notes)
        {
            run.Warn(note);
        }
    }

    /// <summary>More bad rows than allowed: one sentence with the count and the first lines.</summary>
    public static void RefuseTooManyBad(DelimitedReader file, IReadOnlyList<ImportProblem> problems, double acceptBadShare)
    {
        if (problems.Count > acceptBadShare * file.Rows)
        {
            var first = string.Join(" ", problems.DistinctBy(p => (p.Code, p.Column)).Take(3).Select(p => p.In(file.Source)));
            throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"{problems.Count:N0} of {file.Rows:N0} rows ({100.0 * problems.Count / file.Rows:0.##} %) of {file.Source} cannot be used, more than the {100 * acceptBadShare:0.##} % allowed; nothing was imported. First: {first} Mend the file or give --accept-bad-share."));
        }
    }

    public static async Task<byte[]> HashAsync(string path, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            throw new InputException($"There is no file '{path}'; check the path.");
        }
        await using var stream = File.OpenRead(path);
        return await SHA256.HashDataAsync(stream, cancellationToken);
    }
}

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
