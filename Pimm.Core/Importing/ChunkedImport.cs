using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Database;
using Pimm.Core.Queueing;

namespace Pimm.Core.Importing;

/// <summary>
/// Takes a file in, chunk by chunk: a chunk's rows, its problems and the position behind it are one transaction, so that a later
/// attempt goes on exactly there. Nothing is seen before the file is finished; a file that is refused leaves nothing.
/// </summary>
public sealed class ChunkedImport(ImportStore imports, ImportProgressStore progresses, IOptions<ImportingOptions> options)
{
    public async Task RunAsync(JobExecution run, FileIntake intake, string path, char? delimiter, CancellationToken cancellationToken)
    {
        options.Value.Validate();
        var sha256 = await HashAsync(path, cancellationToken);
        if (await imports.FindSameAsync(intake.Audience.Id, intake.Kind, sha256, cancellationToken) is { } same)
        {
            await run.CompleteAsync(ImportResult.Of(same), null, cancellationToken);
            return;
        }
        using var file = await OpenAsync(run, path, delimiter, cancellationToken);
        var (progress, done) = await TakeAsync(run, intake, file.Source, sha256, cancellationToken);
        if (progress is null)
        {
            await run.CompleteAsync(ImportResult.Of(done!), null, cancellationToken);
            return;
        }
        try
        {
            var rows = intake.Open(file, progress);
            progress = await ReadAsync(run, intake, rows, progress, cancellationToken);
            await FinishAsync(run, intake, progress, cancellationToken);
        }
        catch (Exception refused) when (PostgresErrors.Translate(refused) is InputException)
        {
            await run.CommitAsync(async connection =>
            {
                await AttemptMark.SetAsync(connection, run);
                await progresses.RemoveAsync(connection, intake, progress.Id);
                if (IsOfContent(refused))
                {
                    await progresses.RefuseAsync(connection, run, PostgresErrors.Translate(refused).Message);
                }
            }, cancellationToken);
            throw;
        }
    }

    private async Task<DelimitedReader> OpenAsync(JobExecution run, string path, char? delimiter, CancellationToken cancellationToken)
    {
        try
        {
            return DelimitedReader.Open(path, delimiter);
        }
        catch (InputException refused) when (File.Exists(path))
        {
            await run.CommitAsync(connection => progresses.RefuseAsync(connection, run, refused.Message), cancellationToken);
            throw;
        }
    }

    // A key that exists already may be another run's doing; a value that the database cannot hold is the file's.
    private static bool IsOfContent(Exception refused) => refused is InputException or PostgresException { SqlState: ['2', '2', ..] };

    /// <summary>Waits while another run that is alive takes the same bytes in; when it falls silent, this one goes on with them.</summary>
    private async Task<(ImportProgress? Progress, ImportedFile? Done)> TakeAsync(
        JobExecution run, FileIntake intake, string fileName, byte[] sha256, CancellationToken cancellationToken)
    {
        long? other = null;
        while (true)
        {
            if (other is { } waitedFor && await imports.FindAsync(waitedFor, cancellationToken) is { } done)
            {
                return (null, done);
            }
            var taken = new TakenFile(null, null);
            await run.CommitAsync(async connection => taken = await progresses.TakeAsync(connection, run, intake, fileName, sha256), cancellationToken);
            if (taken.Changed)
            {
                throw new InputException($"{fileName} was changed after this run had begun to import it; nothing was imported: import it again.");
            }
            if (taken.Progress is not null)
            {
                return (taken.Progress, null);
            }
            if (taken.Other is not null && taken.Other == other)
            {
                run.Report(0, $"another run is importing the same file {fileName}");
                await Task.Delay(options.Value.Poll, cancellationToken);
            }
            other = taken.Other;
        }
    }

    private async Task<ImportProgress> ReadAsync(JobExecution run, FileIntake intake, FileRows rows, ImportProgress progress, CancellationToken cancellationToken)
    {
        if (progress.Received > 0)
        {
            run.Log($"{progress.Received:N0} rows of {progress.FileName} are in already; the import goes on behind them.");
            rows.Skip(progress.Received);
        }
        while (!rows.AtEnd)
        {
            var (before, problems) = (progress, new List<ImportProblem>());
            await run.CommitAsync(async connection =>
            {
                await AttemptMark.SetAsync(connection, run);
                var written = await rows.CopyAsync(connection, problems, options.Value.ChunkRows, cancellationToken);
                progress = before with { Received = rows.Received, Written = before.Written + written, Quarantined = before.Quarantined + problems.Count };
                await progresses.AdvanceAsync(connection, run, before, progress, problems);
                FaultPoint.Reach("import.chunk-copied");
            }, cancellationToken);
            FaultPoint.Reach("import.chunk-done");
            run.Report(rows.ShareRead, $"{progress.Received:N0} rows read, {progress.Quarantined:N0} with problems");
        }
        return progress;
    }

    private async Task FinishAsync(JobExecution run, FileIntake intake, ImportProgress progress, CancellationToken cancellationToken)
    {
        var problems = progress.Quarantined == 0 ? [] : (await imports.ProblemsAsync(progress.Id, ImportStore.KeptProblems, cancellationToken)).ToList();
        RefuseTooManyBad(progress, progress.Quarantined, problems, intake.AcceptBadShare);
        var result = new ImportResult { ImportFileId = progress.Id, Notes = intake.Notes };
        await run.CompleteAsync(result, async connection =>
        {
            var kept = problems.Count;
            await AttemptMark.SetAsync(connection, run);
            result.Counts = await intake.LandAsync(connection, progress, problems);
            await progresses.FinishAsync(connection, run, progress, result.Counts, [.. problems.Skip(kept).Take(ImportStore.KeptProblems - kept)]);
            foreach (var note in result.Notes)
            {
                run.Warn(note);
            }
            FaultPoint.Reach("import.finishing");
        }, cancellationToken);
    }

    /// <summary>More bad rows than allowed: one sentence with the count and the first lines.</summary>
    public static void RefuseTooManyBad(ImportProgress progress, long bad, IReadOnlyList<ImportProblem> problems, double acceptBadShare)
    {
        if (bad > acceptBadShare * progress.Received)
        {
            var first = string.Join(" ", problems.DistinctBy(p => (p.Code, p.Column)).Take(3).Select(p => p.In(progress.FileName)));
            throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"{bad:N0} of {progress.Received:N0} rows ({100.0 * bad / progress.Received:0.##} %) of {progress.FileName} cannot be used, more than the {100 * acceptBadShare:0.##} % allowed; nothing was imported. First: {first} Mend the file or give --accept-bad-share."));
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
