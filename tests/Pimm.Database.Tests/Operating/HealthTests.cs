using System.Diagnostics;
using Dapper;
using Microsoft.Extensions.Options;
using Pimm.Core.Database;
using Pimm.Core.Operating;
using Pimm.Core.Queueing;
using Pimm.Core.Retaining;
using Pimm.Core.Safekeeping;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Operating;

public sealed class HealthTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_without_fsync_a_missing_migration_and_too_few_connections_are_told()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var health = new ServerHealth(database.DataSource, Options.Create(database.Options));

        var findings = await health.LookAsync(Cancel);
        database.Options.WebPoolSize = 200;
        var crowded = await health.LookAsync(Cancel);
        await ExecuteAsync(database, "insert into migration(number, name, sha256) values (9999, '9999_later.sql', 'x')");
        var newer = await health.LookAsync(Cancel);
        await ExecuteAsync(database, $"create database {database.Name}_before_20260101t000000");
        var copied = await health.LookAsync(Cancel);
        await ExecuteAsync(database, $"drop database {database.Name}_before_20260101t000000");

        // The tests' own server runs without, to be quick.
        findings.Single(finding => finding.Name == "durability").ShouldSatisfyAllConditions(
            finding => finding.Level.ShouldBe(HealthLevel.Failing), finding => finding.Note.ShouldContain("fsync = off"));
        findings.Single(finding => finding.Name == "migrations").Level.ShouldBe(HealthLevel.Ok);
        findings.Single(finding => finding.Name == "connections").Level.ShouldBe(HealthLevel.Ok);
        crowded.Single(finding => finding.Name == "connections").ShouldSatisfyAllConditions(
            finding => finding.Level.ShouldBe(HealthLevel.Warning), finding => finding.Note.ShouldContain("raise max_connections"));
        copied.Single(finding => finding.Name == "copies").Note.ShouldContain($"{database.Name}_before_20260101t000000 (");
        newer.ShouldNotContain(finding => finding.Name == "copies");
        newer.Single(finding => finding.Name == "migrations").Level.ShouldBe(HealthLevel.Failing);
    }

    [Fact]
    public async Task Work_that_waits_leases_that_nobody_renews_and_schedules_that_stopped_are_told()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var health = new QueueHealth(database.DataSource, new ScheduleHealthStore(database.DataSource));
        (await LevelsAsync(health)).ShouldBe("queue Ok, leases Ok, workers Warning, schedules Ok");

        await ExecuteAsync(database, "insert into job_run(kind, dedupe_key, arguments, not_before) values ('score', 'late', '{}', now() - interval '20 minutes')");
        (await LevelsAsync(health)).ShouldBe("queue Warning, leases Ok, workers Failing, schedules Ok");

        await ExecuteAsync(database, "update job_run set state = 'running', lease_until = now() - interval '2 minutes'");
        (await LevelsAsync(health)).ShouldBe("queue Ok, leases Failing, workers Failing, schedules Ok");

        await ExecuteAsync(database, """
            insert into worker(name, host, pid, version, kinds, capabilities, slots, schedules) values ('a/1', 'a', 1, '1', '{score}', '{}', 1, true);
            update job_run set lease_until = now() + interval '1 minute';
            update schedule set active_since = now() - interval '30 days' where kind = 'retain';
            update schedule set problem = 'no such day' where kind = 'lift';
            """);
        (await LevelsAsync(health)).ShouldBe("queue Ok, leases Ok, workers Ok, schedules Warning, schedules Failing");
    }

    [Fact]
    public async Task A_run_that_waits_for_another_is_not_late()
    {
        await using var database = await TestDatabase.MigratedAsync();
        await ExecuteAsync(database, """
            insert into job_run(kind, dedupe_key, arguments, not_before) values ('train', 'first', '{}', now());
            insert into job_run(kind, dedupe_key, arguments, not_before, after_runs) select 'promote', 'then', '{}', now() - interval '20 minutes', array[id] from job_run;
            """);

        (await new QueueHealth(database.DataSource, new ScheduleHealthStore(database.DataSource)).LookAsync(Cancel)).Single(finding => finding.Name == "queue").Note.ShouldContain("1 wait");
    }

    [Fact]
    public async Task Folders_that_cannot_be_written_or_have_no_room_are_told_and_recover_by_themselves()
    {
        Assert.SkipUnless(Environment.UserName == "root", "Mounting a small disk needs root.");
        var folder = Directory.CreateTempSubdirectory("pimm-folders-").FullName;
        var (disk, file) = (Path.Combine(folder, "disk"), Path.Combine(folder, "file"));
        Directory.CreateDirectory(disk);
        await File.WriteAllTextAsync(file, "");
        var health = new FolderHealth(new WorkFolders(disk, file, Path.Combine(folder, "inbox"), Path.Combine(folder, "not", "there", "yet")), new DiskSpace(Options.Create(new DiskOptions { MinimumFreeMegabytes = 20, WarnFreeShare = 0 })));

        await MountAsync("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk);
        try
        {
            health.Look().Select(finding => finding.Level).ShouldBe([HealthLevel.Failing, HealthLevel.Failing, HealthLevel.Ok, HealthLevel.Ok]);
            health.Look()[0].Note.ShouldContain("make room there");
            await MountAsync("mount", "-o", "remount,size=64m", disk);
            health.Look()[0].Level.ShouldBe(HealthLevel.Ok);
            await MountAsync("mount", "-o", "remount,ro", disk);
            health.Look()[0].Note.ShouldContain("cannot be written");
            Directory.GetFiles(disk).ShouldBeEmpty();
        }
        finally
        {
            await MountAsync("umount", disk);
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_backup_that_is_too_old_or_was_never_taken_is_told()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var health = new BackupHealth(new BackupStore(database.DataSource), Options.Create(new BackupOptions()), TimeProvider.System);

        (await health.LookAsync(Cancel)).Level.ShouldBe(HealthLevel.Warning);
        await ExecuteAsync(database, "insert into backup(folder, snapshot_at, finished_at, bytes, seconds) values ('/b/1', now() - interval '27 hours', now(), 1, 1)");
        (await health.LookAsync(Cancel)).Note.ShouldContain("27.0 h old, in /b/1, and at most 26 h are wanted");
        await ExecuteAsync(database, "insert into backup(folder, snapshot_at, finished_at, bytes, seconds) values ('/b/2', now() - interval '1 hour', now(), 1, 1)");
        (await health.LookAsync(Cancel)).Level.ShouldBe(HealthLevel.Ok);
        await ExecuteAsync(database, $"insert into backup(folder, snapshot_at, finished_at, bytes, seconds) values ('{Path.Combine(Path.GetTempPath(), "pimm-no-such-backup")}', now(), now(), 1, 1)");
        (await health.LookAsync(Cancel)).ShouldSatisfyAllConditions(
            finding => finding.Level.ShouldBe(HealthLevel.Warning), finding => finding.Note.ShouldContain("pimm-no-such-backup and is gone"));
    }

    private static async Task<string> LevelsAsync(QueueHealth health) =>
        string.Join(", ", (await health.LookAsync(Cancel)).Select(finding => $"{finding.Name} {finding.Level}"));

    private static async Task ExecuteAsync(TestDatabase database, string sql)
    {
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync(sql);
    }

    private static async Task MountAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync(Cancel);
        process.ExitCode.ShouldBe(0);
    }
}
