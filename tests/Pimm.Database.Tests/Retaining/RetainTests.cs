using System.Text.Json;
using Dapper;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Auditing;
using Pimm.Core.Identifying;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;
using Pimm.Core.Retaining;
using Pimm.Core.Training;
using Pimm.Database.Tests.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Retaining;

public sealed class RetainTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("pimm-retain-");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_nobody_points_to_goes_in_batches_and_the_dry_run_said_so_before()
    {
        await using var world = await QueueWorld.CreateAsync();
        await ExecuteAsync(world, Rows);
        var lists = await WriteFilesAsync(world);
        var options = new RetentionOptions { BatchRows = 3 };
        var plan = new RetentionPlan(new RetentionStore(world.Database.DataSource), Folders, Options.Create(options), TimeProvider.System);

        var planned = await plan.CountAsync(Cancel);
        (await world.ScalarAsync<long>("select count(*) from model_version where weights is not null")).ShouldBe(42);
        var run = await RetainAsync(world, plan);

        planned.ShouldBe(new RetentionCounts(Scorings: 2, Files: 3, RunLogLines: 11, ModelWeights: 8, Runs: 7, Firings: 1, Lists: 1, TrainingFolders: 3, TemporaryFiles: 2));
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        JsonSerializer.Deserialize<RetentionCounts>(run.Result!, JobRequest.Json).ShouldBe(planned);
        (await plan.CountAsync(Cancel)).ShouldBe(new RetentionCounts(0, 0, 0, 0, 0, 0, 0, 0, 0));
        Directory.GetFileSystemEntries(Folders.Training).Select(Path.GetFileName).Order().ShouldBe(["data2024", "notes.tmp", "run-1003", "run-1004", "run-1006", "run-99998"]);
        (Directory.Exists(Path.Combine(Folders.Backups, "site.tmp")), File.Exists(Path.Combine(Folders.Exports, "theirs.tmp"))).ShouldBe((true, true));
        lists.Select(File.Exists).ShouldBe([false, true]);
        // Of what was given up lately, and of what is finished, everything is there.
        (await world.ScalarAsync<string>("select string_agg(file_name, ' ' order by id) from import_file")).ShouldBe("lately finished");
        (await world.ScalarAsync<long>("select (select count(*) from score) * 100 + (select count(*) from audience.customers_1) * 10 + (select count(*) from audience.history_1) + (select count(*) from outcome_staging)")).ShouldBe(220);
        (await world.ScalarAsync<string>("select string_agg(run_id::text, ' ') from score_shard")).ShouldBe("1008");
    }

    [Fact]
    public async Task Champions_scored_versions_and_whatever_is_referenced_stay_as_they_were()
    {
        await using var world = await QueueWorld.CreateAsync();
        await ExecuteAsync(world, Rows);
        await WriteFilesAsync(world);
        var plan = new RetentionPlan(new RetentionStore(world.Database.DataSource), Folders, Options.Create(new RetentionOptions()), TimeProvider.System);
        var kept = await world.ScalarAsync<string>(Untouched);

        (await RetainAsync(world, plan)).State.ShouldBe(JobStates.Succeeded);

        (await world.ScalarAsync<string>(Untouched)).ShouldBe(kept);
        (await world.ScalarAsync<string>("select string_agg(version::text, ' ' order by version) from model_version where model_line_id = 2 and weights_removed_at is not null")).ShouldBe("1 2 4 6 7 8 9 10");
        // Metrics and hash of what lost its weights are still there.
        (await world.ScalarAsync<long>("select count(*) from model_version where description is not null and weights_sha256 is not null")).ShouldBe(42);
        (await world.ScalarAsync<string>("select string_agg(id::text, ' ' order by id) from job_run where id between 1001 and 1006")).ShouldBe("1002 1003 1004 1005");
        (await world.ScalarAsync<long>("select count(*) from job_run_log where run_id = 1003")).ShouldBe(1, "A run that has not ended keeps its lines.");
        (await world.ScalarAsync<string>("select sha256::text || rows || (file_removed_at is not null) from export where wave_date = '2026-03-02'")).ShouldEndWith("7true");
    }

    [Fact]
    public async Task A_version_that_is_being_promoted_keeps_its_weights_and_one_without_is_not_promoted()
    {
        await using var world = await QueueWorld.CreateAsync();
        await ExecuteAsync(world, Rows);
        var plan = new RetentionPlan(new RetentionStore(world.Database.DataSource), Folders, Options.Create(new RetentionOptions()), TimeProvider.System);
        await using var connection = await world.Database.DataSource.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await connection.ExecuteAsync(Promote, new { version = 4 });

        var retaining = RetainAsync(world, plan);
        while (!await world.ScalarAsync<bool>("select exists (select from pg_locks l join pg_database d on d.oid = l.database where d.datname = current_database() and l.locktype = 'advisory' and not l.granted)"))
            await Task.Delay(20, Cancel);
        await transaction.CommitAsync(Cancel);

        (await retaining).State.ShouldBe(JobStates.Succeeded);
        (await world.ScalarAsync<string>("select string_agg(version::text, ' ' order by version) from model_version where model_line_id = 2 and weights_removed_at is not null")).ShouldBe("1 2 6 7 8 9 10");
        (await Should.ThrowAsync<PostgresException>(() => connection.ExecuteAsync(Promote, new { version = 6 }))).MessageText.ShouldContain("lost its weights");
    }

    [Fact]
    public async Task Texts_of_bad_rows_and_handled_outcome_files_have_their_days()
    {
        await using var world = await QueueWorld.CreateAsync();
        await ExecuteAsync(world, Rows);
        await ExecuteAsync(world, BadRows);
        Aged("inbox/savers/taken/old.csv", DateTime.UtcNow.AddDays(-91));
        Aged("inbox/savers/shop/refused/old.csv", DateTime.UtcNow.AddDays(-91));
        Aged("inbox/savers/shop/waits.csv", DateTime.UtcNow.AddDays(-91));
        Aged("inbox/savers/refused/new.csv", DateTime.UtcNow.AddDays(-89));
        var plan = new RetentionPlan(new RetentionStore(world.Database.DataSource), Folders, Options.Create(new RetentionOptions()), TimeProvider.System);

        var planned = await plan.CountAsync(Cancel);
        (await RetainAsync(world, plan)).State.ShouldBe(JobStates.Succeeded);

        (planned.BadRows, planned.InboxFiles).ShouldBe((3, 2));
        var left = await plan.CountAsync(Cancel);
        (left.BadRows, left.InboxFiles).ShouldBe((0, 0));
        (await world.ScalarAsync<string>("select string_agg(line || coalesce(convert_from(sealed, 'UTF8'), '-') || code, ' ' order by line) from import_problem")).ShouldBe("1-bad 2-bad 3newbad");
        (await world.ScalarAsync<string>("select string_agg(event_id, ' ') from outcome_problem")).ShouldBe("new");
        Directory.EnumerateFiles(Folders.Inbox, "*", SearchOption.AllDirectories).Select(Path.GetFileName).Order().ShouldBe(["new.csv", "waits.csv"]);
    }

    [Fact]
    public async Task A_list_that_cannot_be_removed_is_told_and_the_rest_goes_on()
    {
        await using var world = await QueueWorld.CreateAsync();
        await ExecuteAsync(world, Rows);
        await WriteFilesAsync(world);
        var list = Path.Combine(Folders.Exports, "c1-20260302-a.csv");
        File.Delete(list);
        Directory.CreateDirectory(Path.Combine(list, "in-its-place"));
        var plan = new RetentionPlan(new RetentionStore(world.Database.DataSource), Folders, Options.Create(new RetentionOptions()), TimeProvider.System);

        var first = await RetainAsync(world, plan);
        Directory.Delete(Folders.Exports, recursive: true);
        var second = await world.FinishedAsync(await world.AskAsync("second"));

        first.State.ShouldBe(JobStates.Succeeded, first.Error);
        JsonSerializer.Deserialize<RetentionCounts>(first.Result!, JobRequest.Json)!.ShouldSatisfyAllConditions(
            counts => counts.Lists.ShouldBe(0), counts => counts.TrainingFolders.ShouldBe(3), counts => counts.TemporaryFiles.ShouldBe(2));
        second.State.ShouldBe(JobStates.Succeeded, second.Error);
        (await world.ScalarAsync<long>("select count(*) from export where file_removed_at is not null")).ShouldBe(0);
        (await world.ScalarAsync<long>("select count(*) from job_run_log where level = 'warning' and message like '%c1-20260302-a.csv could not be removed%'")).ShouldBe(2);
    }

    [Fact]
    public async Task A_worker_that_never_retains_clears_up_its_own_trainings()
    {
        await using var world = await QueueWorld.CreateAsync();
        await ExecuteAsync(world, Rows);
        await WriteFilesAsync(world);
        var plan = new RetentionPlan(new RetentionStore(world.Database.DataSource), Folders, Options.Create(new RetentionOptions()), TimeProvider.System);
        using var sweep = new TrainingFolderSweep(plan, TimeProvider.System, NullLogger<TrainingFolderSweep>.Instance);

        await sweep.StartAsync(Cancel);
        while ((await plan.CountAsync(Cancel)).TrainingFolders > 0)
            await Task.Delay(20, Cancel);
        await sweep.StopAsync(Cancel);

        Directory.GetFileSystemEntries(Folders.Training).Select(Path.GetFileName).Order().ShouldBe(["data2024", "notes.tmp", "run-1003", "run-1004", "run-1006", "run-99998"]);
    }

    [Fact]
    public async Task Firings_outlive_the_days_that_are_looked_through_for_missed_ones()
    {
        await using var world = await QueueWorld.CreateAsync();
        await ExecuteAsync(world, """
            insert into schedule_firing(schedule_id, occasion, logical_date, scheduled_at, fired_at, fired_by, outcome)
            select id, d::text, current_date, now(), now() - make_interval(days => d), 'me', 'nothing' from schedule, unnest('{2,30,33}'::int[]) d where kind = 'retain';
            """);
        var plan = new RetentionPlan(new RetentionStore(world.Database.DataSource), Folders, Options.Create(new RetentionOptions { RunDays = 1 }), TimeProvider.System);

        (await RetainAsync(world, plan)).State.ShouldBe(JobStates.Succeeded);

        (await world.ScalarAsync<string>("select string_agg(occasion, ' ' order by fired_at desc) from schedule_firing")).ShouldBe("2 30");
    }

    [Theory]
    [InlineData(nameof(RetentionOptions.ModelVersions), 0)]
    [InlineData(nameof(RetentionOptions.RunDays), 4_000)]
    public async Task A_setting_out_of_its_range_ends_the_run_with_a_sentence(string name, int value)
    {
        await using var world = await QueueWorld.CreateAsync();
        var options = new RetentionOptions();
        typeof(RetentionOptions).GetProperty(name)!.SetValue(options, value);

        var run = await RetainAsync(world, new RetentionPlan(new RetentionStore(world.Database.DataSource), Folders, Options.Create(options), TimeProvider.System));

        (run.State, run.ErrorSentence!.Contains($"Retention:{name} is {value}")).ShouldBe((JobStates.Failed, true));
    }

    [Fact]
    public async Task What_went_is_in_the_audit_log_and_the_logs_end_is_noted_every_night()
    {
        await using var world = await QueueWorld.CreateAsync();
        var log = new AuditLog(world.Database.DataSource);
        await log.AddAsync(new AuditEntry("user:anna", "test.add", "test", "1"), Cancel);

        var run = await RetainAsync(world, new RetentionPlan(new RetentionStore(world.Database.DataSource), Folders, Options.Create(new RetentionOptions()), TimeProvider.System));

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        var rows = await log.ListAsync(new AuditFilter(), 10, Cancel);
        (rows[0].Actor, rows[0].Action).ShouldBe(($"run:{run.Id}", "retention.remove"));
        JsonSerializer.Deserialize<RetentionCounts>(rows[0].After!, JobRequest.Json)!.Runs.ShouldBe(0);
        var noted = await new AuditHeadFile(HeadFile).ReadAsync(Cancel);
        noted.ShouldNotBeNull().ShouldHaveSingleItem().Hash.ShouldBe(Convert.ToHexStringLower(rows[1].RowHash));
    }

    private string HeadFile => Path.Combine(folder.FullName, "audit-head.ndjson");

    private WorkFolders Folders => new(Path.Combine(folder.FullName, "exports"), Path.Combine(folder.FullName, "training"), Path.Combine(folder.FullName, "inbox"), Path.Combine(folder.FullName, "backups"));

    private async Task<JobRun> RetainAsync(QueueWorld world, RetentionPlan plan)
    {
        var audit = new AuditVerifier(new AuditLog(world.Database.DataSource), Options.Create(new AuditingOptions { HeadFile = HeadFile }), TimeProvider.System);
        await world.StartAsync(new Retain(new RetentionStore(world.Database.DataSource), plan, new UploadStore(world.Database.DataSource, Options.Create(new ImportingOptions { Uploads = Path.Combine(folder.FullName, "uploads") }), TimeProvider.System), audit, Replay(world.Database.DataSource)).RunAsync);
        return await world.FinishedAsync(await world.AskAsync());
    }

    private static ReplayOutcomes Replay(NpgsqlDataSource database)
    {
        var time = TimeProvider.System;
        var problems = new OutcomeProblemStore(database, new Sealer(new IdentifierKeyStore(database), new EphemeralDataProtectionProvider()), time);
        var stored = new OutcomeBatchStore(time);
        return new ReplayOutcomes(database, problems, stored, new OutcomeBatches(stored, new OutcomeStore(Options.Create(new OutcomesOptions()), time), new CorrectionStore(), problems));
    }

    private static async Task ExecuteAsync(QueueWorld world, string sql)
    {
        await using var connection = await world.Database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync(sql);
    }

    private async Task<List<string>> WriteFilesAsync(QueueWorld world)
    {
        var old = DateTime.UtcNow.AddDays(-3);
        List<string> lists = [Written("exports/c1-20260302-a.csv"), Written("exports/c1-20260303-a.csv")];
        File.SetLastWriteTimeUtc(Written("exports/c1-20260304-a.csv.9-1.tmp"), old);
        Written("exports/c1-20260305-a.csv.9-1.tmp");
        Written("backups/pimm-20260101T000000Z/manifest.json");
        Aged("backups/pimm-20260102T000000Z.tmp/database.dump", old);
        // Ended long ago (twice), waiting, just ended; then one that nobody knows and has touched for long, and others' own.
        foreach (var run in new[] { 1001, 1002, 1003, 1004 })
            new TrainingFolder(Folders.Training, run, fence: 1).Open(await world.ScalarAsync<DateTime>($"select created_at from job_run where id = {run}"));
        Aged("training/run-99999/checkpoint", DateTime.UtcNow.AddDays(-32));
        Aged("training/run-99998/checkpoint", old);
        Aged("training/run-1006/checkpoint", old);
        Aged("training/data2024/text", old.AddDays(-100));
        Aged("training/notes.tmp/text", old);
        Aged("backups/site.tmp/text", old);
        File.SetLastWriteTimeUtc(Written("exports/theirs.tmp"), old);
        return lists;
    }

    private string Written(string path)
    {
        var full = Path.Combine(folder.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, path);
        return full;
    }

    private void Aged(string path, DateTime at)
    {
        var full = Written(path);
        File.SetLastWriteTimeUtc(full, at);
        Directory.SetLastWriteTimeUtc(Path.GetDirectoryName(full)!, at);
    }

    public void Dispose() => folder.Delete(recursive: true);

    private const string Promote =
        "insert into promotion(model_line_id, model_version_id, promoted_at, promoted_by, reason) select 2, id, now(), 'me', 'again' from model_version where model_line_id = 2 and version = @version";

    private const string Untouched =
        """
        select (select string_agg(t::text, '|' order by t.id) from scoring t where finished_at is not null or run_id = 1008) || (select string_agg(t::text, '|' order by t.wave_date) from wave t)
            || (select string_agg(t::text, '|' order by t.id) from promotion t)
            || (select string_agg(t::text, '|' order by t.id) from model_version t where t.version in (3, 5) or t.version > 10)
        """;

    private const string BadRows =
        """
        insert into import_file(audience_id, kind, file_name, sha256, received, created, updated, skipped, quarantined, imported_at) values
            (1, 'customers', 'long ago', sha256('6'), 2, 0, 0, 0, 2, now() - interval '91 days'), (1, 'customers', 'lately', sha256('7'), 1, 0, 0, 0, 1, now() - interval '89 days');
        insert into import_problem(import_file_id, line, code, message, masked, sealed)
        select id, 1, 'bad', 'no number', 'x', 'old'::bytea from import_file where file_name = 'long ago' union all select id, 2, 'bad', 'no number', 'x', 'old'::bytea from import_file where file_name = 'long ago'
        union all select id, 3, 'bad', 'no number', 'x', 'new'::bytea from import_file where file_name = 'lately' and received = 1 and quarantined = 1;
        insert into outcome_problem(source, event_id, received_at, code, message, sealed) values ('shop', 'old', now() - interval '91 days', 'bad', 'm', 'x'), ('shop', 'new', now() - interval '89 days', 'bad', 'm', 'x');
        """;

    private const string Rows =
        """
        select create_audience('savers', 'id', '[{"name": "age", "kind": "number"}]', '{click}', false, now());
        insert into job_run(id, kind, dedupe_key, arguments, state, finished_at, lease_until, after_runs) overriding system value values
            (1001, 'score', 'old', '{}', 'succeeded', now() - interval '500 days', null, '{}'),
            (1002, 'train', 'referenced', '{}', 'succeeded', now() - interval '500 days', null, '{}'),
            (1003, 'train', 'waiting', '{}', 'queued', null, null, '{1005}'),
            (1004, 'train', 'new', '{}', 'failed', now() - interval '1 hour', null, '{}'),
            (1005, 'train', 'before', '{}', 'succeeded', now() - interval '500 days', null, '{}'),
            (1006, 'lift', 'old', '{}', 'failed', now() - interval '401 days', null, '{}');
        insert into job_run(kind, dedupe_key, arguments, state, finished_at) select 'score', 'old' || i, '{}', 'cancelled', now() - interval '410 days' from generate_series(1, 5) i;
        insert into job_run_log(run_id, fence, seq, logged_at, level, message) select r, 1, i, now() - interval '91 days', 'information', 'old' from unnest('{1002,1003}'::bigint[]) r, generate_series(1, case r when 1002 then 11 else 1 end) i;
        insert into job_run_log(run_id, fence, seq, logged_at, level, message) values (1004, 1, 1, now() - interval '89 days', 'information', 'kept');
        insert into job_run_step(run_id, step, fence) values (1001, 'snapshot', 1);
        insert into schedule_firing(schedule_id, occasion, logical_date, scheduled_at, fired_at, fired_by, outcome)
        select id, d::text, current_date, now(), now() - make_interval(days => d), 'me', 'nothing' from schedule, unnest('{399,401}'::int[]) d where kind = 'retain';
        insert into model_line(audience_id, name, network, created_at) values (1, 'a', 'random', now()), (1, 'b', 'pimm', now());
        insert into model_version(model_line_id, version, seed, description, training_rows, trained_at, weights, weights_sha256, run_id)
        select line, version, 1, '{}', 0, now(), 'weights', 'hash', case when line = 2 and version = 1 then 1002 end from unnest('{1,2}'::bigint[]) line, generate_series(1, case line when 1 then 2 else 40 end) version;
        insert into promotion(model_line_id, model_version_id, promoted_at, promoted_by, reason) select 2, id, now(), 'me', 'better' from model_version where model_line_id = 2 and version in (3, 39);
        insert into campaign(name, audience_id, control_line_id, treatment_line_id, time_zone, starts_on, days, window_days, impressions_per_day,
                             holdback_share, exploration_share, split_method, split_candidates, salt, created_by, created_at)
        values ('old', 1, 1, 2, 'Asia/Shanghai', '2026-03-02', 5, 30, 100, 0.1, 0.05, 'best-of', 100, 'old', 'me', now());
        insert into scoring(campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions, finished_at)
        select 1, 1, (select id from model_version where model_line_id = 1 and version = 1), id, 1, '[]', now() from model_version where model_line_id = 2 and version = 5;
        insert into job_run(id, kind, dedupe_key, arguments, state, finished_at) overriding system value values
            (1007, 'score', 'given up', '{}', 'failed', now() - interval '8 days'), (1008, 'score', 'lately', '{}', 'cancelled', now() - interval '6 days');
        insert into scoring(campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions, run_id)
        select 1, 1, control_version_id, treatment_version_id, 0, '[]', run from scoring, unnest('{1007,1007,1008}'::bigint[]) run where id = 1;
        insert into score_shard(scoring_id, shard, first_customer, run_id, fence) select id, 0, '00000000-0000-0000-0000-000000000000', run_id, 1 from scoring where finished_at is null;
        insert into score(customer, scoring_id, control_score, treatment_score) select gen_random_uuid(), id, 0.5, 0.5 from scoring;
        insert into import_file(audience_id, kind, file_name, sha256, received, created, updated, skipped, quarantined, run_id, imported_at, state, fence, version) values
            (1, 'customers', 'old', sha256('1'), 1, 1, 0, 0, 0, 1007, now(), 'reading', 1, 7), (1, 'history', 'old', sha256('2'), 1, 1, 0, 0, 0, 1007, now(), 'reading', 1, null),
            (1, 'outcomes', 'old', sha256('3'), 1, 1, 0, 0, 0, 1007, now(), 'reading', 1, null), (1, 'customers', 'lately', sha256('4'), 1, 1, 0, 0, 0, 1008, now(), 'reading', 1, 8),
            (1, 'customers', 'finished', sha256('5'), 1, 1, 0, 0, 0, 1007, now(), 'finished', 1, 6);
        insert into audience.customers_1(customer, version, customer_key) select gen_random_uuid(), version, 'key' from import_file where version is not null;
        insert into audience.history_1(customer, impression_at, import_file_id, stage, targeted) select gen_random_uuid(), now(), id, 0, false from import_file where kind = 'history';
        insert into outcome_staging(import_file_id, line, event_id, kind, customer, occurred_at) select id, 1, 'e', 3, gen_random_uuid(), now() from import_file where kind = 'outcomes';
        insert into wave(campaign_id, wave_date, scoring_id, impressions, exploration, impressions_at, published_at) values (1, '2026-03-02', 1, 7, 0, now(), now()), (1, '2026-03-03', 1, 7, 0, now(), now());
        insert into export(campaign_id, wave_date, arm, channel, file_name, rows, bytes, sha256, exported_at) values
            (1, '2026-03-02', 0, 'generic-csv', 'c1-20260302-a.csv', 7, 9, sha256('a'), now() - interval '91 days'), (1, '2026-03-03', 0, 'generic-csv', 'c1-20260303-a.csv', 7, 9, sha256('b'), now() - interval '89 days');
        """;
}
