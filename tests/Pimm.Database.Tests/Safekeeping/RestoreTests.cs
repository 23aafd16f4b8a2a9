using Pimm.Core;
using Pimm.Core.Safekeeping;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Safekeeping;

public sealed class RestoreTests
{
    private const string AddUser = "insert into app_user(user_name, normalized_user_name, security_stamp) values ('ada', 'ADA', 'x') returning id";

    [Fact]
    public async Task A_database_in_use_is_kept_under_another_name_and_only_by_force()
    {
        await using var world = new BackupWorld(await TestDatabase.MigratedAsync());
        await world.ScalarAsync<long>(AddUser);
        var backup = await world.BackUpAsync();
        await world.ScalarAsync<long>(AddUser.Replace("ada", "bob").Replace("ADA", "BOB"));
        world.LetGo();

        (await Should.ThrowAsync<InputException>(() => world.RestoreAsync(backup.Folder))).Message.ShouldContain("--force");
        var report = await world.RestoreAsync(backup.Folder, force: true);

        (await world.ScalarAsync<long>("select count(*) from app_user")).ShouldBe(1);
        (await world.ScalarAsync<long>("select count(*) from app_user", report.KeptAs)).ShouldBe(2);
        await world.ScalarAsync<object?>($"drop database {report.KeptAs} with (force)", "postgres");
    }

    [Fact]
    public async Task The_audit_log_comes_back_whole_records_the_restore_and_no_webhook_is_told()
    {
        await using var world = new BackupWorld(await TestDatabase.MigratedAsync());
        await world.ScalarAsync<long>(AddUser);
        await world.ScalarAsync<object?>("select add_audit_event('user:ada', 'test.add', 'test', i::text, null, null, null) from generate_series(1, 20) i");
        await world.ScalarAsync<int>("insert into webhook (url, events, secret, created_by) values ('https://hooks.example.com/', '{run.failed}', 'x', 'user:ada')");
        var backup = await world.BackUpAsync();
        await world.ScalarAsync<object?>("select add_audit_event('user:ada', 'test.add', 'test', 'after the backup', null, null, null)");
        await world.Audit.NoteHeadAsync();
        world.LetGo();

        var report = await world.RestoreAsync(backup.Folder, force: true);

        // 20, then the restore; the backup's own row came behind its snapshot.
        var verdict = await world.Audit.VerifyAsync(1, null, default);
        (verdict.Entries, verdict.Break).ShouldBe((21, null));
        (await world.ScalarAsync<string>("select action from audit_event order by id desc limit 1")).ShouldBe("backup.restore");
        (await world.ScalarAsync<string>("select string_agg(id || action, chr(32) order by id) from audit_event where id > 19", report.KeptAs)).ShouldBe("20test.add 21backup.write 22test.add");
        (report.Rested.DisabledWebhooks, await world.ScalarAsync<string>("select disabled_reason from webhook")).ShouldBe((1, "restored from a backup"));
        await world.ScalarAsync<object?>($"drop database {report.KeptAs} with (force)", "postgres");
    }

    [Fact]
    public async Task Nobody_may_be_connected_to_the_database_that_is_replaced()
    {
        await using var world = new BackupWorld(await TestDatabase.MigratedAsync());
        var backup = await world.BackUpAsync();
        await using var worker = await world.Database.DataSource.OpenConnectionAsync();

        (await Should.ThrowAsync<InputException>(() => world.RestoreAsync(backup.Folder))).Message.ShouldContain("in use by 1 × pimm");
    }

    [Theory]
    [InlineData("database.dump")]
    [InlineData("exports/c1-20260302-a.csv")]
    public async Task A_file_that_changed_is_named_and_nothing_is_restored(string file)
    {
        await using var world = new BackupWorld(await TestDatabase.MigratedAsync());
        Directory.CreateDirectory(world.Lists);
        await File.WriteAllTextAsync(Path.Combine(world.Lists, "c1-20260302-a.csv"), "customer,campaign,wave\nabc,1,2026-03-02\n");
        var backup = await world.BackUpAsync();
        world.LetGo();
        await using (var stream = new FileStream(Path.Combine(backup.Folder, file), FileMode.Open))
        {
            stream.Position = stream.Length / 2;
            var value = stream.ReadByte();
            stream.Position--;
            stream.WriteByte((byte)(value ^ 1));
        }

        (await Should.ThrowAsync<InputException>(() => world.RestoreAsync(backup.Folder))).Message.ShouldContain(file);
        File.Delete(Path.Combine(backup.Folder, file));
        (await Should.ThrowAsync<InputException>(() => world.RestoreAsync(backup.Folder))).Message.ShouldContain("lacks " + file);
    }

    [Fact]
    public async Task Rows_that_are_not_those_of_the_manifest_leave_the_database_as_it_was()
    {
        await using var world = new BackupWorld(await TestDatabase.MigratedAsync());
        await world.ScalarAsync<long>(AddUser);
        var backup = await world.BackUpAsync();
        world.LetGo();
        File.Delete(Path.Combine(backup.Folder, BackupManifest.FileName));
        var tables = backup.Manifest.Tables.Select(table => table.Table == "public.app_user" ? table with { Checksum = "1" } : table).ToList();
        await (backup.Manifest with { Tables = tables }).WriteAsync(backup.Folder, default);

        (await Should.ThrowAsync<InvalidOperationException>(() => world.RestoreAsync(backup.Folder, force: true))).Message.ShouldContain("public.app_user has other contents");

        (await world.ScalarAsync<long>("select count(*) from app_user")).ShouldBe(1);
        (await world.ScalarAsync<long>($"select count(*) from pg_database where datname like '{world.Database.Name}%'")).ShouldBe(1);
    }

    [Fact]
    public async Task A_failure_with_the_lists_says_that_the_database_is_restored_and_where_the_one_before_is()
    {
        await using var world = new BackupWorld(await TestDatabase.MigratedAsync());
        await world.ScalarAsync<long>(AddUser);
        Directory.CreateDirectory(world.Lists);
        await File.WriteAllTextAsync(Path.Combine(world.Lists, "c1-20260302-a.csv"), "customer\n");
        var backup = await world.BackUpAsync();
        await world.ScalarAsync<long>(AddUser.Replace("ada", "bob").Replace("ADA", "BOB"));
        world.LetGo();
        Directory.Delete(world.Lists, recursive: true);
        // A file where the folder should be.
        await File.WriteAllTextAsync(world.Lists, "");

        var failure = (await Should.ThrowAsync<InvalidOperationException>(() => world.RestoreAsync(backup.Folder, force: true))).Message;

        var kept = await world.ScalarAsync<string>($"select datname from pg_database where datname like '{world.Database.Name}_before_%'", "postgres");
        failure.ShouldStartWith($"The database was restored (the one before is kept as {kept}), but not all audience lists are back: ");
        (await world.ScalarAsync<long>("select count(*) from app_user")).ShouldBe(1);
        await world.ScalarAsync<object?>($"drop database {kept} with (force)", "postgres");
    }

    [Fact]
    public async Task What_a_killed_restore_left_goes_with_the_next_and_another_at_work_is_not_disturbed()
    {
        await using var world = new BackupWorld(await TestDatabase.MigratedAsync());
        await world.ScalarAsync<long>(AddUser);
        var backup = await world.BackUpAsync();
        world.LetGo();
        await world.ScalarAsync<object?>($"create database {world.Database.Name}_restoring_20200101t000000", "postgres");
        await world.ScalarAsync<object?>($"create database {world.Database.Name}_restoring_mine", "postgres");
        await using (var other = await world.HoldAsync($"select pg_advisory_lock(hashtextextended('pimm restore {world.Database.Name}', 0))", "postgres"))
            (await Should.ThrowAsync<InputException>(() => world.RestoreAsync(backup.Folder, force: true))).Message.ShouldContain("Another restore");

        var report = await world.RestoreAsync(backup.Folder, force: true);

        (await world.ScalarAsync<string>($"select string_agg(datname, ' ') from pg_database where datname like '{world.Database.Name}_restoring%'")).ShouldBe($"{world.Database.Name}_restoring_mine");
        await world.ScalarAsync<object?>($"drop database {world.Database.Name}_restoring_mine", "postgres");
        await world.ScalarAsync<object?>($"drop database {report.KeptAs} with (force)", "postgres");
    }

    [Fact]
    public async Task A_connection_that_closes_within_seconds_is_waited_for()
    {
        await using var world = new BackupWorld(await TestDatabase.MigratedAsync());
        var backup = await world.BackUpAsync();
        world.LetGo();
        var other = await world.HoldAsync("select 1");

        var restoring = world.RestoreAsync(backup.Folder);
        await Task.Delay(TimeSpan.FromSeconds(1));
        await other.DisposeAsync();

        (await restoring).KeptAs.ShouldBeNull();
    }

    [Fact]
    public async Task Schedules_and_triggers_are_restored_at_rest_and_open_runs_are_counted()
    {
        await using var world = new BackupWorld(await TestDatabase.MigratedAsync());
        if (!await world.ScalarAsync<bool>("select to_regclass('qrtz_triggers') is not null"))
            await world.ScalarAsync<object?>("create table qrtz_triggers(trigger_name text, trigger_state text); create table qrtz_fired_triggers(entry_id text); create table qrtz_scheduler_state(instance_name text); insert into qrtz_triggers values ('nightly', 'WAITING'); insert into qrtz_fired_triggers values ('1')");
        if (!await world.ScalarAsync<bool>("select to_regclass('schedule') is not null"))
            await world.ScalarAsync<object?>("create table schedule(id bigint, enabled boolean not null); insert into schedule values (1, true), (2, false)");
        await world.ScalarAsync<object?>("insert into job_run(kind, dedupe_key, arguments) values ('score', 'x', '{}')");
        var backup = await world.BackUpAsync();
        world.LetGo();

        var report = await world.RestoreAsync(backup.Folder, force: true);

        report.Rested.OpenRuns.ShouldBe(1);
        (await world.ScalarAsync<long>("select count(*) from qrtz_triggers where trigger_state not in ('PAUSED', 'COMPLETE')")).ShouldBe(0);
        (await world.ScalarAsync<long>("select count(*) from qrtz_fired_triggers")).ShouldBe(0);
        (await world.ScalarAsync<long>("select count(*) from schedule where enabled")).ShouldBe(0);
        await world.ScalarAsync<object?>($"drop database {report.KeptAs} with (force)", "postgres");
    }

    [Fact]
    public async Task Lists_that_are_gone_come_back_and_other_ones_of_the_same_name_are_put_aside()
    {
        await using var world = new BackupWorld(await TestDatabase.MigratedAsync());
        Directory.CreateDirectory(world.Lists);
        foreach (var name in new[] { "a.csv", "b.csv", "half.csv.tmp" })
            await File.WriteAllTextAsync(Path.Combine(world.Lists, name), name);
        var backup = await world.BackUpAsync();
        world.LetGo();
        File.Delete(Path.Combine(world.Lists, "a.csv"));
        await File.WriteAllTextAsync(Path.Combine(world.Lists, "b.csv"), "newer");

        var report = await world.RestoreAsync(backup.Folder);

        backup.Manifest.Files.Select(file => file.Path).ShouldBe(["database.dump", "exports/a.csv", "exports/b.csv"]);
        (await File.ReadAllTextAsync(Path.Combine(world.Lists, "a.csv"))).ShouldBe("a.csv");
        (await File.ReadAllTextAsync(Path.Combine(world.Lists, "b.csv"))).ShouldBe("b.csv");
        (await File.ReadAllTextAsync(Path.Combine(world.Lists, report.PutAside.Single()))).ShouldBe("newer");
        report.Lists.Orphans.Order(StringComparer.Ordinal).ShouldBe(["a.csv", "b.csv", report.PutAside.Single()]);
    }
}
