using System.Diagnostics;
using System.Text.Json;
using Dapper;
using Pimm.Core.Database;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>Backup, upgrade, logs and full disks as whoever runs Pimm meets them: real processes.</summary>
public sealed class OperationTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("pimm-operation-");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_older_database_in_use_is_backed_up_before_it_is_upgraded_and_the_backup_restores()
    {
        await using var database = await OlderAsync();
        await ExecuteAsync(database, "insert into app_user(user_name, normalized_user_name, security_stamp) values ('ada', 'ADA', 'x')");

        await using var process = PimmProcess.Start(database, Settings, "migrate", "--json");
        (await process.ExitedAsync()).ShouldBe(0, process.Error);

        var answer = JsonDocument.Parse(process.Output).RootElement;
        var backup = answer.GetProperty("backup").GetString()!;
        Path.GetFileName(backup).ShouldStartWith("before-upgrade-");
        answer.GetProperty("applied").GetArrayLength().ShouldBeGreaterThan(0);
        var manifest = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(backup, "manifest.json"), Cancel)).RootElement;
        manifest.GetProperty("migrations").GetArrayLength().ShouldBe(14);
        database.DataSource.Clear();
        database.Owner.Clear();
        await using var restore = PimmProcess.Start(database, Settings, "restore", backup, "--force", "--json");
        (await restore.ExitedAsync()).ShouldBe(0, restore.Error);
        var report = JsonDocument.Parse(restore.Output).RootElement;
        report.GetProperty("migrated").GetArrayLength().ShouldBe(answer.GetProperty("applied").GetArrayLength());
        await ExecuteAsync(database, $"drop database {report.GetProperty("keptAs").GetString()} with (force)");
    }

    [Fact]
    public async Task Without_a_backup_nothing_is_changed_unless_that_is_said()
    {
        await using var database = await OlderAsync();
        await ExecuteAsync(database, "insert into app_user(user_name, normalized_user_name, security_stamp) values ('ada', 'ADA', 'x')");
        var noTools = new Dictionary<string, string>(Settings) { ["Backup__Binaries"] = folder.FullName };

        await using var refused = PimmProcess.Start(database, noTools, "migrate");
        (await refused.ExitedAsync()).ShouldBe(2);
        refused.Error.ShouldContain("nothing was changed");
        (await ScalarAsync<long>(database, "select count(*) from migration")).ShouldBe(14);
        await using var forced = PimmProcess.Start(database, noTools, "migrate", "--no-backup");

        (await forced.ExitedAsync()).ShouldBe(0, forced.Error);
        (await ScalarAsync<long>(database, "select count(*) from migration")).ShouldBeGreaterThan(14);
    }

    [Fact]
    public async Task Four_machines_that_upgrade_at_once_take_one_backup_and_apply_each_migration_once()
    {
        await using var database = await OlderAsync();
        await ExecuteAsync(database, "insert into app_user(user_name, normalized_user_name, security_stamp) values ('ada', 'ADA', 'x')");

        var processes = Enumerable.Range(0, 4).Select(_ => PimmProcess.Start(database, Settings, "migrate", "--json")).ToList();
        foreach (var process in processes)
        {
            (await process.ExitedAsync()).ShouldBe(0, process.Error);
            await process.DisposeAsync();
        }

        processes.Sum(process => JsonDocument.Parse(process.Output).RootElement.GetProperty("applied").GetArrayLength()).ShouldBe(
            MigrationFile.ReadFolder(Migrator.DefaultFolder).Count - 14);
        Directory.GetDirectories(Path.Combine(folder.FullName, "backups")).Length.ShouldBe(1);
    }

    [Fact]
    public async Task A_killed_backup_leaves_nothing_that_a_restore_would_take()
    {
        await using var database = await TestDatabase.MigratedAsync();
        await ExecuteAsync(database, "insert into job_run(kind, dedupe_key, arguments) select 'x', i::text, jsonb_build_object('noise', repeat(md5(i::text), 100)) from generate_series(1, 40000) i");
        var target = Path.Combine(folder.FullName, "killed");

        await using var killed = PimmProcess.Start(database, Settings, "backup", target);
        await UntilAsync(() => Directory.Exists(target + ".tmp"));
        killed.Signal("KILL");
        await killed.ExitedAsync();

        Directory.Exists(target).ShouldBeFalse();
        await using var restore = PimmProcess.Start(database, Settings, "restore", target + ".tmp", "--force");
        (await restore.ExitedAsync()).ShouldBe(2);
        restore.Error.ShouldContain("no complete backup");
        await using var again = PimmProcess.Start(database, Settings, "backup", target);
        (await again.ExitedAsync()).ShouldBe(0, again.Error);
        Directory.GetDirectories(folder.FullName).Select(Path.GetFileName).ShouldBe(["killed"]);
    }

    [Fact]
    public async Task Every_line_of_a_worker_is_a_JSON_document_that_names_its_run()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var queue = new JobQueue(database.DataSource);
        await using var worker = PimmProcess.Start(database, new Dictionary<string, string>(Settings) { ["Logging__Format"] = "json" }, "work");
        var id = await queue.EnqueueAsync(new JobRequest("wait", "json", new { Steps = 1, SecondsPerStep = 0.1 }), Cancel);
        using (var limit = new CancellationTokenSource(TimeSpan.FromSeconds(40)))
            await queue.WaitAsync(id, limit.Token);
        worker.Signal("TERM");
        await worker.ExitedAsync();

        var lines = worker.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        var ofRun = lines.Where(line => line.GetProperty("Message").GetString()!.StartsWith($"Run {id} ", StringComparison.Ordinal)).ToList();
        ofRun.Count.ShouldBeGreaterThanOrEqualTo(2);
        foreach (var line in ofRun)
            line.GetProperty("Scopes").EnumerateArray().Where(scope => scope.TryGetProperty("run", out _)).Select(scope =>
                (scope.GetProperty("run").GetInt64(), scope.GetProperty("kind").GetString(), scope.GetProperty("attempt").GetInt32(), scope.GetProperty("fence").GetInt64())).ShouldBe([(id, "wait", 1, 1)]);
    }

    [Fact]
    public async Task A_worker_takes_no_export_while_its_disk_is_full_and_goes_on_by_itself()
    {
        Assert.SkipUnless(Environment.UserName == "root", "Mounting a small disk needs root.");
        await using var database = await TestDatabase.MigratedAsync();
        var queue = new JobQueue(database.DataSource);
        var disk = folder.CreateSubdirectory("disk").FullName;
        await MountAsync("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk);
        try
        {
            var export = await queue.EnqueueAsync(new JobRequest("export", "full", new { }), Cancel);
            var other = await queue.EnqueueAsync(new JobRequest("wait", "other", new { Steps = 1, SecondsPerStep = 0.1 }), Cancel);
            await using var worker = PimmProcess.Start(database, new Dictionary<string, string>(Settings) { ["Exporting__Folder"] = disk, ["Disk__MinimumFreeMegabytes"] = "20", ["Queueing__Slots"] = "2" }, "work");
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(40));
            (await queue.WaitAsync(other, limit.Token)).State.ShouldBe(JobStates.Succeeded);
            await UntilAsync(() => worker.Error.Contains("No run of the kind export is taken", StringComparison.Ordinal));
            await Task.Delay(1_500, Cancel);
            (await queue.GetAsync(export, Cancel)).State.ShouldBe(JobStates.Queued);

            await MountAsync("mount", "-o", "remount,size=64m", disk);

            // It belongs to no campaign, which it says as soon as it is taken.
            (await queue.WaitAsync(export, limit.Token)).ErrorSentence.ShouldBe("A run of the kind export belongs to a campaign: give --campaign.");
            worker.Error.ShouldContain("are taken again");
        }
        finally
        {
            await MountAsync("umount", disk);
        }
    }

    [Fact]
    public async Task Retention_tells_before_it_does()
    {
        await using var database = await TestDatabase.MigratedAsync();
        await ExecuteAsync(database, "insert into job_run(kind, dedupe_key, arguments, state, finished_at) values ('score', 'old', '{}', 'succeeded', now() - interval '500 days')");

        await using var dry = PimmProcess.Start(database, Settings, "retain", "--dry-run", "--json");
        (await dry.ExitedAsync()).ShouldBe(0, dry.Error);
        JsonDocument.Parse(dry.Output).RootElement.GetProperty("runs").GetInt64().ShouldBe(1);
        (await ScalarAsync<long>(database, "select count(*) from job_run")).ShouldBe(1);
        await using var done = PimmProcess.Start(database, Settings, "retain", "--json");

        (await done.ExitedAsync()).ShouldBe(0, done.Error);
        JsonDocument.Parse(done.Output).RootElement.GetProperty("result").GetProperty("runs").GetInt64().ShouldBe(1);
        (await ScalarAsync<string>(database, "select string_agg(kind, ',') from job_run")).ShouldBe("retain");
    }

    private Dictionary<string, string> Settings => new()
    {
        ["Backup__Folder"] = Path.Combine(folder.FullName, "backups"), ["Exporting__Folder"] = Path.Combine(folder.FullName, "exports"),
        ["Training__Folder"] = Path.Combine(folder.FullName, "training"), ["Outcomes__Inbox"] = Path.Combine(folder.FullName, "inbox"),
    };

    /// <summary>As the version with 14 migrations left it.</summary>
    private static async Task<TestDatabase> OlderAsync()
    {
        var database = await TestDatabase.EmptyAsync();
        var migrations = Directory.CreateTempSubdirectory("pimm-older-");
        foreach (var file in Directory.GetFiles(Migrator.DefaultFolder, "*.sql").Where(file => string.CompareOrdinal(Path.GetFileName(file), "0015") < 0))
            File.Copy(file, Path.Combine(migrations.FullName, Path.GetFileName(file)));
        await Migrator.RunAsync(database.Owner, migrations.FullName, database.Options.AppRole, Cancel);
        migrations.Delete(recursive: true);
        return database;
    }

    private static async Task ExecuteAsync(TestDatabase database, string sql)
    {
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync(sql);
    }

    private static async Task<T> ScalarAsync<T>(TestDatabase database, string sql)
    {
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        return (await connection.ExecuteScalarAsync<T>(sql))!;
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var waited = Stopwatch.StartNew(); !condition(); await Task.Delay(20, Cancel))
            waited.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(40));
    }

    private static async Task MountAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync(Cancel);
        process.ExitCode.ShouldBe(0);
    }

    public void Dispose() => folder.Delete(recursive: true);
}
