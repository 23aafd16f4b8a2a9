using Dapper;
using Npgsql;
using Pimm.Core.Queueing;

namespace Pimm.Core.Importing;

/// <summary>What came of asking for a file.</summary>
/// <param name="Progress">null: it is not this attempt's</param>
/// <param name="Other">the import of the same bytes that a run that is alive is at, or has just finished</param>
/// <param name="Changed">the file was changed since this run began with it; what was read of it is taken away</param>
public sealed record TakenFile(ImportProgress? Progress, long? Other, bool Changed = false);

/// <summary>Files that are being taken in, and whose they are: of one attempt of a run for as long as that holds the run's lease.</summary>
public sealed class ImportProgressStore(QuarantineStore quarantine, TimeProvider time)
{
    // Earlier attempts of this run, and whoever had these bytes and fell silent: their rows could not be written while they hold them.
    private const string EndLost =
        """
        select end_lost_attempts(lost.run_id) from (
            select @runId as run_id
            union select run_id from import_file
                   where audience_id = @audienceId and kind = @kind and sha256 = @sha256 and state = 'reading' and not holds_lease(run_id, fence)) lost
         where lost.run_id is not null
        """;

    // Found while it is read, locked as it is by then: whoever waits for its last chunk is told of the end.
    private const string SelectSameBytes =
        """
        select id, settings, state = 'finished' as finished, holds_lease(run_id, fence) as held
          from import_file
         where id = (select id from import_file where audience_id = @audienceId and kind = @kind and sha256 = @sha256 and state = 'reading')
           for no key update
        """;

    private const string SelectBegun =
        "select id from import_file where audience_id = @audienceId and kind = @kind and sha256 = @sha256 and state = 'reading'";

    // Other bytes of this run: its file was changed. Of runs that ended: nobody goes on with them.
    private const string SelectLeftBehind =
        """
        select f.id, f.run_id = @runId as own
          from import_file f join job_run j on j.id = f.run_id
         where f.audience_id = @audienceId and f.kind = @kind and f.sha256 <> @sha256 and f.state = 'reading'
           and (f.run_id = @runId or j.state in ('failed', 'cancelled', 'succeeded'))
           for no key update of f skip locked
        """;

    private const string SelectProgress =
        "select id, file_name, version, received, created as written, quarantined, skipped, warnings from import_file where id = @id";

    private const string Insert =
        """
        insert into import_file(audience_id, kind, file_name, sha256, received, created, updated, skipped, quarantined, run_id, imported_at, state, settings, fence,
                                header, delimiter, imported_by, replay_of, version)
        values (@audienceId, @kind, @fileName, @sha256, 0, 0, 0, 0, 0, @RunId, @at, 'reading', @settings, @Fence, @header, @delimiter, @by, @replayOf,
                case when @kind = 'customers' then 1 + greatest(0, (select max(version) from audience_version where audience_id = @audienceId),
                     (select max(version) from import_file where audience_id = @audienceId)) end)
        on conflict do nothing returning id
        """;

    private const string Take = "update import_file set run_id = @RunId, fence = @Fence where id = @id";

    private const string Restart =
        """
        delete from import_problem where import_file_id = @id;
        update import_file set received = 0, created = 0, skipped = 0, quarantined = 0, warnings = 0, settings = @settings where id = @id;
        """;

    private const string UpdatePosition =
        """
        update import_file set received = @Received, created = @Written, skipped = @Skipped, quarantined = @Quarantined, warnings = @Warnings
         where id = @Id and state = 'reading' and run_id = @RunId and fence = @Fence and received = @before
        """;

    private const string UpdateFinished =
        """
        update import_file
           set received = @Received, created = @Created, updated = @Updated, skipped = @Skipped, quarantined = @Quarantined, warnings = @Warnings, state = 'finished', imported_at = @at
         where id = @id and state = 'reading' and run_id = @RunId and fence = @Fence
        """;

    private const string InsertRefusal = "insert into import_refusal(run_id, fence, reason, code) values (@RunId, @Fence, @reason, @code)";

    private const string Delete = "delete from import_file where id = @id and state = 'reading'";

    /// <summary>In the caller's transaction: the file of these bytes becomes this attempt's, as far as it is, unless it is another's.</summary>
    public async Task<TakenFile> TakeAsync(NpgsqlConnection connection, JobExecution run, FileIntake intake, DelimitedReader file, byte[] sha256)
    {
        var key = new { audienceId = intake.Audience.Id, kind = intake.Kind, sha256, runId = run.RunId };
        await AttemptMark.SetAsync(connection, run);
        await connection.ExecuteAsync(EndLost, key);
        if (await connection.QuerySingleOrDefaultAsync<SameBytes>(SelectSameBytes, key) is { } same)
        {
            return same.Held || same.Finished ? new TakenFile(null, same.Id) : new TakenFile(await GoOnAsync(connection, run, intake, same), null);
        }
        var left = (await connection.QueryAsync<LeftBehind>(SelectLeftBehind, key)).AsList();
        foreach (var earlier in left)
        {
            await RemoveAsync(connection, intake, earlier.Id);
        }
        if (left.Any(f => f.Own))
        {
            return new TakenFile(null, null, Changed: true);
        }
        var id = await connection.ExecuteScalarAsync<long?>(Insert, new
        {
            key.audienceId, key.kind, fileName = file.Source, sha256, run.RunId, run.Fence, settings = intake.Options.Settings, at = time.GetUtcNow(),
            header = file.Header, delimiter = file.Delimiter.ToString(), by = intake.Options.By, replayOf = intake.Options.ReplayOf,
        });
        if (id is not { } begun)
        {
            return new TakenFile(null, await connection.ExecuteScalarAsync<long?>(SelectBegun, key));
        }

        // Nobody else can begin with these bytes now; who had begun may have finished since this run looked for them.
        if (await ImportStore.FindSameAsync(connection, key.audienceId, key.kind, sha256, intake.Options.Settings) is { } finished)
        {
            await connection.ExecuteAsync(Delete, new { id = begun });
            return new TakenFile(null, finished.Id);
        }

        return new TakenFile(await connection.QuerySingleAsync<ImportProgress>(SelectProgress, new { id = begun }), null);
    }

    /// <summary>The position behind a chunk and what was wrong in it, in the chunk's transaction.</summary>
    /// <exception cref="InvalidOperationException">another run has the file</exception>
    public async Task AdvanceAsync(NpgsqlConnection connection, JobExecution run, ImportProgress before, ImportProgress after, IReadOnlyList<ImportProblem> problems, IReadOnlyList<ImportProblem> warnings)
    {
        var moved = await connection.ExecuteAsync(UpdatePosition, new
        {
            after.Id, after.Received, after.Written, after.Skipped, after.Quarantined, after.Warnings, run.RunId, run.Fence, before = before.Received,
        });
        if (moved != 1)
        {
            throw new InvalidOperationException($"The file {before.FileName} is being imported by another run meanwhile: nothing of this chunk was written.");
        }
        await quarantine.AddAsync(connection, before.Id,
        [
            .. problems.Take((int)Math.Max(0, ImportStore.KeptProblems - before.Quarantined)),
            .. warnings.Take((int)Math.Max(0, ImportStore.KeptProblems - before.Warnings)),
        ]);
    }

    /// <summary>The file is finished and its rows are seen, in the transaction that ends the run.</summary>
    public async Task FinishAsync(NpgsqlConnection connection, JobExecution run, ImportProgress progress, ImportCounts counts, IReadOnlyList<ImportProblem> laterProblems)
    {
        await quarantine.AddAsync(connection, progress.Id, laterProblems);
        var finished = await connection.ExecuteAsync(UpdateFinished, new
        {
            id = progress.Id, counts.Received, counts.Created, counts.Updated, counts.Skipped, counts.Quarantined, counts.Warnings, run.RunId, run.Fence, at = time.GetUtcNow(),
        });
        if (finished != 1)
        {
            throw new InvalidOperationException($"The file {progress.FileName} is being imported by another run meanwhile: nothing was landed.");
        }
    }

    /// <summary>Everything of an unfinished file goes, in the caller's transaction.</summary>
    public async Task RemoveAsync(NpgsqlConnection connection, FileIntake intake, long id)
    {
        var progress = await connection.QuerySingleAsync<ImportProgress>(SelectProgress, new { id });
        await intake.RemoveAsync(connection, progress);
        await connection.ExecuteAsync(Delete, new { id });
    }

    /// <summary>Keeps that the content was refused, in the caller's transaction.</summary>
    public Task RefuseAsync(NpgsqlConnection connection, JobExecution run, Exception refused) =>
        connection.ExecuteAsync(InsertRefusal, new { run.RunId, run.Fence, reason = refused.Message, code = (refused as InputException)?.Code });

    private static async Task<ImportProgress> GoOnAsync(NpgsqlConnection connection, JobExecution run, FileIntake intake, SameBytes same)
    {
        await connection.ExecuteAsync(Take, new { run.RunId, run.Fence, id = same.Id });
        var progress = await connection.QuerySingleAsync<ImportProgress>(SelectProgress, new { id = same.Id });
        if (same.Settings != intake.Options.Settings || !await intake.IsIntactAsync(connection, progress))
        {
            await intake.RemoveAsync(connection, progress);
            await connection.ExecuteAsync(Restart, new { id = same.Id, settings = intake.Options.Settings });
            progress = progress with { Received = 0, Written = 0, Quarantined = 0, Skipped = 0, Warnings = 0 };
        }
        return progress;
    }

    private sealed record SameBytes(long Id, string Settings, bool Finished, bool Held);

    private sealed record LeftBehind(long Id, bool Own);
}
