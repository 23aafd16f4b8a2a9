using Dapper;
using Npgsql;
using Pimm.Core.Safekeeping;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Safekeeping;

/// <summary>The drill: a backup while others write, restored into a database that never saw any of it.</summary>
public sealed class BackupDrillTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_backup_under_load_restores_to_the_snapshot_row_for_row()
    {
        await using var instance = await PimmInstance.StartAsync();
        await instance.RunDemoAsync(SyntheticCampaign.Small(), Cancel);
        await using var source = new BackupWorld(instance.Database, owned: false);
        CopyFolder(Path.Combine(instance.Folder, "exports"), source.Lists);
        var settled = await SettledAsync(source);

        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 3).Select(writer => Task.Run(() => WritePairsAsync(source.Database, writer, stop.Token), Cancel)).ToList();
        await UntilAsync(async () => await source.ScalarAsync<long>("select count(*) from job_run where kind = 'pair'") > 50);
        var before = await source.ScalarAsync<long>("select count(*) from job_run where kind = 'pair'");
        var backup = await source.BackUpAsync();
        var after = await source.ScalarAsync<long>("select count(*) from job_run where kind = 'pair'");
        await stop.CancelAsync();
        await Task.WhenAll(writers);

        await using var target = new BackupWorld(await TestDatabase.EmptyAsync());
        var report = await target.RestoreAsync(backup.Folder);

        after.ShouldBeGreaterThan(before, "The writers wrote nothing while the backup ran.");
        var pairs = await target.ScalarAsync<long>("select count(*) from job_run where kind = 'pair'");
        pairs.ShouldBeInRange(before, after);
        // Each pair was written in one transaction: a torn snapshot would have one half of some.
        (await target.ScalarAsync<long>("select count(*) from job_run_log where message like 'pair %'")).ShouldBe(pairs);
        (await SettledAsync(target)).ShouldBe(settled);
        backup.Manifest.Tables.Single(table => table.Table == "public.job_run").Rows.ShouldBe(await target.ScalarAsync<long>("select count(*) from job_run"));
        backup.Manifest.Tables.ShouldContain(table => table.Table.StartsWith("audience.customers_") && table.Rows == 6_000);
        (report.KeptAs, report.Lists.Missing.Count, report.Lists.Orphans.Count, report.ListsWritten).ShouldBe((null, 0, 0, 20));
        Directory.GetFiles(target.Lists).Length.ShouldBe(20);
        report.Indexes.ShouldContain("are sound");
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"backup {backup.Seconds:0.00} s, {backup.Manifest.Rows} rows, {backup.Manifest.Bytes} bytes; restore {report.RecoverySeconds:0.00} s, snapshot {report.RecoveryPointSeconds:0.00} s before it; {after - before} pairs written meanwhile");
    }

    [Fact]
    public async Task The_app_works_on_a_restored_database_with_its_old_rights()
    {
        await using var source = new BackupWorld(await TestDatabase.MigratedAsync());
        await source.ScalarAsync<long>("insert into app_user(user_name, normalized_user_name, security_stamp) values ('ada', 'ADA', 'x') returning id");
        var backup = await source.BackUpAsync();
        await using var target = new BackupWorld(await TestDatabase.EmptyAsync());

        await target.RestoreAsync(backup.Folder);

        await using var app = await target.Database.DataSource.OpenConnectionAsync(Cancel);
        await app.ExecuteAsync("select create_audience('savers', 'id', '[{\"name\": \"age\", \"kind\": \"number\"}]', '{click}', false, now())");
        (await app.ExecuteScalarAsync<long>("select count(*) from audience.customers_1")).ShouldBe(0);
        (await Should.ThrowAsync<PostgresException>(() => app.ExecuteAsync("delete from scoring"))).SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
        // Identities go on where they were.
        (await target.ScalarAsync<long>("insert into app_user(user_name, normalized_user_name, security_stamp) values ('bob', 'BOB', 'x') returning id")).ShouldBe(2);
    }

    /// <summary>An account of what no writer touches, made in another way than the manifest's sums.</summary>
    private static async Task<string> SettledAsync(BackupWorld world) => await world.ScalarAsync<string>(
        """
        select md5((select string_agg(t::text, '|' order by t::text) from audience.customers_1 t) || (select string_agg(t::text, '|' order by t::text) from score t)
                   || (select string_agg(t::text, '|' order by t::text) from wave_plan t) || (select string_agg(t::text, '|' order by t::text) from export t)
                   || (select string_agg(t::text, '|' order by t::text) from lift_report t))
        """);

    private static async Task WritePairsAsync(TestDatabase database, int writer, CancellationToken stop)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        for (var pair = 0; !stop.IsCancellationRequested; pair++)
        {
            await using var transaction = await connection.BeginTransactionAsync(Cancel);
            var run = await connection.ExecuteScalarAsync<long>(
                "insert into job_run(kind, dedupe_key, arguments, state, finished_at) values ('pair', @key, '{}', 'succeeded', now()) returning id", new { key = $"{writer}/{pair}" });
            await Task.Delay(1, Cancel);
            await connection.ExecuteAsync("insert into job_run_log(run_id, fence, seq, level, message) values (@run, 1, 1, 'information', 'pair ' || @run)", new { run });
            await transaction.CommitAsync(Cancel);
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
            await Task.Delay(20, Cancel);
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}
