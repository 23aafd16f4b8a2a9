using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Npgsql;
using Pimm.Core.Database;
using Pimm.Core.Queueing;

namespace Pimm.Core.Importing;

/// <summary>What a run of the kind "import" is asked to do.</summary>
/// <param name="Kind">customers or history</param>
/// <param name="AcceptBadShare">more bad rows than this stop the import with nothing applied, 0 to 1</param>
/// <param name="Order">reject, cascade-up or cascade-down, for funnel labels of history</param>
public sealed record ImportRequest(long AudienceId, string Kind, string Path, double AcceptBadShare = 0.05, string Order = "reject");

/// <summary>Takes a file of customers or history into an audience's typed tables: all of its good rows or, when too many are bad, none.</summary>
public sealed class ImportFile(AudienceStore audiences, ImportStore imports) : IJob
{
    public const string JobKind = "import";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.Arguments.Deserialize<ImportRequest>(JsonSerializerOptions.Web)!;
        var audience = await audiences.GetAsync(request.AudienceId, cancellationToken);
        var sha256 = await HashAsync(request.Path, cancellationToken);
        if (await imports.FindSameAsync(audience.Id, request.Kind, sha256, cancellationToken) is { } same)
        {
            await run.CompleteAsync(new { importFileId = same.Id, already = true, same.ImportedAt }, null, cancellationToken);
            return;
        }
        var version = 1 + ((await audiences.NewestVersionAsync(audience.Id, cancellationToken))?.Version ?? 0);
        using var file = DelimitedReader.Open(request.Path);
        var result = new ImportResult();
        await run.CompleteAsync(result, connection => ApplyAsync(connection, run, request, audience, version, file, sha256, result, cancellationToken), cancellationToken);
    }

    private async Task ApplyAsync(
        NpgsqlConnection connection, JobExecution run, ImportRequest request, Audience audience, int version, DelimitedReader file,
        byte[] sha256, ImportResult result, CancellationToken cancellationToken)
    {
        var id = await imports.BeginAsync(connection, audience.Id, request.Kind, file.Source, sha256, run.RunId);
        ImportRows rows = request.Kind switch
        {
            "customers" => new CustomerRows(audience, file, version),
            "history" => new HistoryRows(audience, file, FunnelOrders.Parse(request.Order), id),
            _ => throw new InputException($"Files of the kind \"{request.Kind}\" are unknown: import customers, history or outcomes."),
        };
        var problems = new List<ImportProblem>();
        var written = await BulkCopy.WriteAsync(
            connection, rows.Target, GoodRows(file, rows, problems, run), static (import, row) => row.Write(import), cancellationToken);
        RefuseTooManyBad(file, problems, request.AcceptBadShare);

        var known = request.Kind == "customers" ? await imports.CountKnownAsync(connection, audience, version) : 0;
        var counts = new ImportCounts(file.Rows, written - known, known, 0, problems.Count);
        await imports.FinishAsync(connection, id, counts, problems);
        if (request.Kind == "customers")
        {
            await imports.AddVersionAsync(connection, audience.Id, version, id, written);
        }
        (result.ImportFileId, result.Counts) = (id, counts);
    }

    private static IEnumerable<ImportRows> GoodRows(DelimitedReader file, ImportRows rows, List<ImportProblem> problems, JobExecution run)
    {
        while (file.Read(out var problem))
        {
            problem ??= rows.Take();
            if (problem is null)
            {
                yield return rows;
            }
            else
            {
                problems.Add(problem);
            }
            if (file.Rows % 5_000 == 0)
            {
                run.Report(file.ShareRead, $"{file.Rows:N0} rows read, {problems.Count:N0} with problems");
            }
        }
    }

    /// <summary>More bad rows than allowed: one sentence with the count and the first lines.</summary>
    public static void RefuseTooManyBad(DelimitedReader file, IReadOnlyList<ImportProblem> problems, double acceptBadShare)
    {
        if (problems.Count > acceptBadShare * file.Rows)
        {
            var first = string.Join(" ", problems.Take(3).Select(p => p.In(file.Source)));
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

    // Filled inside the transaction, serialised when it ends.
    private sealed class ImportResult
    {
        public long ImportFileId { get; set; }

        public ImportCounts? Counts { get; set; }
    }
}
