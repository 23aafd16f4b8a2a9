using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Auditing;
using Pimm.Core.Database;
using Pimm.Core.Queueing;

namespace Pimm.Core.Importing;

/// <summary>
/// Takes a file in, chunk by chunk: a chunk's rows, its problems and the position behind it are one transaction, so that a later
/// attempt goes on exactly there. Nothing is seen before the file is finished; a file that is refused leaves nothing.
/// </summary>
public sealed class ChunkedImport(ImportStore imports, ImportProgressStore progresses, IOptions<ImportingOptions> options)
{
    public async Task RunAsync(JobExecution run, FileIntake intake, ImportSource source, CancellationToken cancellationToken)
    {
        options.Value.Validate();
        var sha256 = await HashAsync(source.Path, cancellationToken);
        if (await imports.FindSameAsync(intake.Audience.Id, intake.Kind, sha256, intake.Options.Settings, cancellationToken) is { } same)
        {
            await run.CompleteAsync(ImportResult.Of(same), null, cancellationToken);
            return;
        }
        using var file = await OpenAsync(run, intake, source, sha256, cancellationToken);
        FaultPoint.Reach("import.opened");
        var (progress, done) = await TakeAsync(run, intake, file, sha256, cancellationToken);
        if (progress is null)
        {
            await run.CompleteAsync(ImportResult.Of(done!), null, cancellationToken);
            return;
        }
        try
        {
            var rows = intake.Open(file, progress);
            progress = await ReadAsync(run, intake, rows, progress, cancellationToken);
            await FinishAsync(run, intake, source, progress, cancellationToken);
        }
        catch (Exception refused) when (PostgresErrors.Translate(refused) is InputException)
        {
            await run.CommitAsync(async connection =>
            {
                await AttemptMark.SetAsync(connection, run);
                await progresses.RemoveAsync(connection, intake, progress.Id);
                if (IsOfContent(refused))
                {
                    await progresses.RefuseAsync(connection, run, PostgresErrors.Translate(refused));
                }
            }, cancellationToken);
            throw;
        }
    }

    private async Task<DelimitedReader> OpenAsync(JobExecution run, FileIntake intake, ImportSource source, byte[] sha256, CancellationToken cancellationToken)
    {
        try
        {
            if (intake.Kind == "history" && await imports.FindOtherwiseAsync(intake.Audience.Id, sha256, intake.Options.Settings, cancellationToken) is { } other)
            {
                throw new InputException($"The very same file was imported before with another mapping or other options, as import {other}: undo that one first (pimm import undo {other}), or every impression would count twice.")
                    { Code = ImportCode.ImportedOtherwise };
            }
            return source.Open(options.Value.Unpacking);
        }
        catch (InputException refused) when (File.Exists(source.Path))
        {
            await run.CommitAsync(connection => progresses.RefuseAsync(connection, run, refused), cancellationToken);
            throw;
        }
    }

    // A key that exists already may be another run's doing; a value that the database cannot hold is the file's.
    private static bool IsOfContent(Exception refused) => refused is InputException or PostgresException { SqlState: ['2', '2', ..] };

    /// <summary>Waits while another run that is alive takes the same bytes in; when it falls silent, this one goes on with them.</summary>
    private async Task<(ImportProgress? Progress, ImportedFile? Done)> TakeAsync(
        JobExecution run, FileIntake intake, DelimitedReader file, byte[] sha256, CancellationToken cancellationToken)
    {
        long? other = null;
        while (true)
        {
            if (other is { } waitedFor && await imports.FindAsync(waitedFor, cancellationToken) is { } done)
            {
                return (null, done);
            }
            var taken = new TakenFile(null, null);
            await run.CommitAsync(async connection => taken = await progresses.TakeAsync(connection, run, intake, file, sha256), cancellationToken);
            if (taken.Changed)
            {
                throw new InputException($"{file.Source} was changed after this run had begun to import it; nothing was imported: import it again.") { Code = ImportCode.FileChanged };
            }
            if (taken.Progress is not null)
            {
                return (taken.Progress, null);
            }
            if (taken.Other is not null && taken.Other == other)
            {
                run.Report(0, $"another run is importing the same file {file.Source}");
                FaultPoint.Reach("import.waiting");
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
                progress = before with
                {
                    Received = rows.Received, Written = before.Written + written, Quarantined = before.Quarantined + problems.Count,
                    Skipped = before.Skipped + rows.Skipped, Warnings = before.Warnings + rows.Warnings.Count,
                };
                await progresses.AdvanceAsync(connection, run, before, progress, problems, rows.Warnings);
                FaultPoint.Reach("import.chunk-copied");
            }, cancellationToken);
            FaultPoint.Reach("import.chunk-done");
            run.Report(rows.ShareRead, $"{progress.Received:N0} rows read, {progress.Quarantined:N0} with problems");
        }
        return progress;
    }

    private async Task FinishAsync(JobExecution run, FileIntake intake, ImportSource source, ImportProgress progress, CancellationToken cancellationToken)
    {
        var problems = progress.Quarantined == 0 ? [] : (await imports.ProblemsAsync(progress.Id, ImportStore.KeptProblems, cancellationToken)).Where(p => !p.IsWarning).ToList();
        RefuseTooManyBad(progress, progress.Quarantined, problems, intake.Options.AcceptBadShare);
        var result = new ImportResult { ImportFileId = progress.Id, Notes = intake.Notes };
        await run.CompleteAsync(result, async connection =>
        {
            var kept = problems.Count;
            await AttemptMark.SetAsync(connection, run);
            result.Counts = await intake.LandAsync(connection, progress, problems);
            IReadOnlyList<ImportProblem> later = [.. problems.Skip(kept).Take(ImportStore.KeptProblems - kept)];
            await progresses.FinishAsync(connection, run, progress, result.Counts, source.WithRows(later, options.Value.Unpacking));
            await AuditLog.AddAsync(connection, new AuditEntry(
                intake.Options.By ?? AuditActor.Run(run.RunId), "import.apply", "import", progress.Id.ToString(CultureInfo.InvariantCulture),
                After: new { intake.Kind, audience = intake.Audience.Id, result.Counts.Received, result.Counts.Created, result.Counts.Updated, result.Counts.Skipped, result.Counts.Quarantined, intake.Options.AcceptBadShare }));
            result.Tell(problems, progress.Warnings);
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
                $"{bad:N0} of {progress.Received:N0} rows ({100.0 * bad / progress.Received:0.##} %) of {progress.FileName} cannot be used, more than the {100 * acceptBadShare:0.##} % allowed; nothing was imported. First: {first} Mend the file or give --accept-bad-share."))
                { Code = ImportCode.TooManyBadRows };
        }
    }

    public static async Task<byte[]> HashAsync(string path, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            throw new InputException($"There is no file '{path}'; check the path.") { Code = ImportCode.NoFile };
        }
        await using var stream = File.OpenRead(path);
        return await SHA256.HashDataAsync(stream, cancellationToken);
    }
}
