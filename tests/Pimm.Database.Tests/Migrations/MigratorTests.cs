using Dapper;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Database;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Migrations;

public sealed class MigratorTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("pimm-migrations-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Four_migrators_at_once_apply_each_file_once_and_none_fails()
    {
        await using var database = await TestDatabase.EmptyAsync();
        Write("0001_first.sql", "create table first (id int); insert into first values (1)");
        Write("0002_second.sql", "select pg_sleep(0.3); insert into first values (2)");

        var reports = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => MigrateAsync(database)));

        reports.Sum(report => report.Applied.Count).ShouldBe(2);
        reports.ShouldAllBe(report => report.Known == 2);
        (await QueryAsync<int>(database, "select id from first order by id")).ShouldBe([1, 2]);
        (await QueryAsync<string>(database, "select name from migration order by number")).ShouldBe(["0001_first.sql", "0002_second.sql"]);
    }

    [Fact]
    public async Task Four_workers_that_migrate_an_empty_database_at_once_make_the_whole_schema_once()
    {
        await using var database = await TestDatabase.EmptyAsync();

        var reports = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Migrator.RunAsync(database.Owner, Migrator.DefaultFolder, null, TestContext.Current.CancellationToken)));

        reports.Sum(report => report.Applied.Count).ShouldBe(reports[0].Known);
        (await QueryAsync<int>(database, "select count(*)::int from schedule")).ShouldBe([3]);
        (await QueryAsync<int>(database, "select count(*)::int from qrtz_locks")).ShouldBe([2]);
    }

    [Fact]
    public async Task An_edited_file_is_refused_with_its_name()
    {
        await using var database = await TestDatabase.EmptyAsync();
        Write("0001_first.sql", "create table first (id int)");
        await MigrateAsync(database);
        Write("0001_first.sql", "create table first (id bigint)");

        var refused = await Should.ThrowAsync<InputException>(() => MigrateAsync(database));

        refused.Message.ShouldStartWith("The migration 0001_first.sql was edited after it had been applied");
    }

    [Fact]
    public async Task A_newer_database_is_refused()
    {
        await using var database = await TestDatabase.EmptyAsync();
        Write("0001_first.sql", "create table first (id int)");
        Write("0002_second.sql", "create table second (id int)");
        await MigrateAsync(database);
        File.Delete(Path.Combine(folder, "0002_second.sql"));

        (await Should.ThrowAsync<InputException>(() => MigrateAsync(database)))
            .Message.ShouldBe("The database has migration 0002_second.sql, which this version of Pimm does not know: run a version at least as new as the database.");
        (await Should.ThrowAsync<InputException>(() => Migrator.MissingAsync(database.DataSource, folder, Cancel)))
            .Message.ShouldContain("0002_second.sql");
    }

    [Fact]
    public async Task A_failed_file_leaves_nothing_behind_and_can_be_tried_again_once_corrected()
    {
        await using var database = await TestDatabase.EmptyAsync();
        Write("0001_first.sql", "create table first (id int)");
        Write("0002_second.sql", "create table second (id int);\ninsert into second values (1);\ninsert into nowhere values (1)");

        var failed = await Should.ThrowAsync<DatabaseException>(() => MigrateAsync(database));
        failed.Message.ShouldStartWith("The migration 0002_second.sql failed and left nothing behind: relation \"nowhere\" does not exist (SQLSTATE 42P01)");
        (await QueryAsync<string>(database, "select name from migration")).ShouldBe(["0001_first.sql"]);
        (await QueryAsync<bool>(database, "select to_regclass('second') is null")).ShouldBe([true]);
        (await Migrator.MissingAsync(database.Owner, folder, Cancel)).ShouldBe(["0002_second.sql"]);

        Write("0002_second.sql", "create table second (id int)");
        (await MigrateAsync(database)).Applied.ShouldBe(["0002_second.sql"]);
    }

    [Fact]
    public async Task A_migration_meets_old_rows_and_keeps_them()
    {
        await using var database = await TestDatabase.EmptyAsync();
        Write("0001_first.sql", "create table first (id int primary key)");
        await MigrateAsync(database);
        await using (var app = await database.DataSource.OpenConnectionAsync(Cancel))
            await app.ExecuteAsync("insert into first select generate_series(1, 1000)");
        Write("0002_second.sql", "alter table first add column twice int; update first set twice = 2 * id; alter table first alter column twice set not null");

        await MigrateAsync(database);

        (await QueryAsync<long>(database, "select sum(twice) from first")).ShouldBe([1_001_000]);
    }

    [Theory]
    [InlineData("first.sql", "The migration first.sql is not named like 0001_name.sql")]
    [InlineData("0001_other.sql", "have the same number")]
    public async Task A_misnamed_file_is_refused_before_anything_is_applied(string name, string sentence)
    {
        await using var database = await TestDatabase.EmptyAsync();
        Write("0001_first.sql", "create table first (id int)");
        Write(name, "create table other (id int)");

        (await Should.ThrowAsync<InputException>(() => MigrateAsync(database))).Message.ShouldContain(sentence);
        (await QueryAsync<bool>(database, "select to_regclass('first') is null")).ShouldBe([true]);
    }

    [Fact]
    public async Task A_file_numbered_before_an_applied_one_is_refused()
    {
        await using var database = await TestDatabase.EmptyAsync();
        Write("0002_second.sql", "create table second (id int)");
        await MigrateAsync(database);
        Write("0001_first.sql", "create table first (id int)");

        (await Should.ThrowAsync<InputException>(() => MigrateAsync(database))).Message.ShouldContain("give it the next free number");
    }

    [Fact]
    public async Task The_app_role_changes_rows_and_nothing_else()
    {
        await using var database = await TestDatabase.EmptyAsync();
        Write("0001_first.sql", "create table first (id bigint generated always as identity, name text); create table record (id int); comment on table record is 'append-only: what happened'");
        await MigrateAsync(database);

        await using var app = await database.DataSource.OpenConnectionAsync(Cancel);
        await app.ExecuteAsync("insert into first (name) values ('a'); update first set name = 'b'; delete from first; insert into record values (1)");
        foreach (var forbidden in new[] { "create table mine (id int)", "drop table first", "truncate first", "delete from record", "update record set id = 2", "delete from migration" })
            (await Should.ThrowAsync<PostgresException>(() => app.ExecuteAsync(forbidden), forbidden)).SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege, forbidden);
    }

    [Fact]
    public async Task The_product_s_own_migrations_apply_to_an_empty_database_twice_over()
    {
        await using var database = await TestDatabase.EmptyAsync();

        var first = await Migrator.RunAsync(database.Owner, Migrator.DefaultFolder, AppRole(database), Cancel);
        var second = await Migrator.RunAsync(database.Owner, Migrator.DefaultFolder, AppRole(database), Cancel);

        first.Applied.ShouldContain("0001_queueing.sql");
        second.Applied.ShouldBeEmpty();
        second.Known.ShouldBe(first.Applied.Count);
    }

    private Task<MigrationReport> MigrateAsync(TestDatabase database) => Migrator.RunAsync(database.Owner, folder, AppRole(database), Cancel);

    private static string AppRole(TestDatabase database) => database.Options.AppRole;

    private static async Task<List<T>> QueryAsync<T>(TestDatabase database, string sql)
    {
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        return [.. await connection.QueryAsync<T>(sql)];
    }

    private void Write(string name, string sql) => File.WriteAllText(Path.Combine(folder, name), sql);

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
