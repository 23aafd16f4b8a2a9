using Dapper;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Database;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Database;

public sealed class PostgresErrorsTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("insert into job_run (kind, dedupe_key, arguments) values ('a', 'twice', '{}'), ('a', 'twice', '{}')", "This job run exists already (rule job_run_kind_dedupe_key_key): use another name or key.")]
    [InlineData("insert into job_run_step (run_id, step, fence) values (-1, 's', 1)", "The job run step points to a row that does not exist, or is still pointed to (rule job_run_step_run_id_fkey): check the id.")]
    [InlineData("insert into job_run (kind, dedupe_key, arguments) values ('', 'k', '{}')", "The job run breaks the rule job_run_kind_check: correct the value.")]
    [InlineData("insert into job_run (kind, dedupe_key) values ('a', 'k')", "The job run needs a value for arguments: give one.")]
    [InlineData("select 1 / 0", "The database refused a value: division by zero.")]
    public async Task Values_that_the_database_refuses_are_wrong_input(string sql, string sentence) =>
        PostgresErrors.Translate(await FailAsync(sql)).ShouldBeOfType<InputException>().Message.ShouldBe(sentence);

    [Theory]
    [InlineData("select * from nowhere", "bring the database up to date with ./pimm migrate", false)]
    [InlineData("create table mine (id int)", "The database role may not do this (permission denied for schema public)", false)]
    [InlineData("set statement_timeout = '50ms'; select pg_sleep(5)", "The database took longer than the time-out for one statement", true)]
    [InlineData("select pg_terminate_backend(pg_backend_pid())", "The database ended the connection", true)]
    public async Task What_the_database_cannot_do_says_what_to_do_and_whether_to_try_again(string sql, string sentence, bool transient)
    {
        var translated = PostgresErrors.Translate(await FailAsync(sql)).ShouldBeOfType<DatabaseException>();

        translated.Message.ShouldContain(sentence);
        translated.IsTransient.ShouldBe(transient);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_said_to_be_unreachable()
    {
        await using var nowhere = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Username=x;Database=x;Timeout=2");

        var translated = PostgresErrors.Translate(await Should.ThrowAsync<NpgsqlException>(async () => await nowhere.OpenConnectionAsync(Cancel)));

        translated.Message.ShouldStartWith("The database cannot be reached");
        PostgresErrors.IsTransient(translated).ShouldBeTrue();
    }

    [Fact]
    public async Task An_exhausted_pool_is_said_to_be_one()
    {
        await using var one = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database.ConnectionString) { MaxPoolSize = 1, Timeout = 1 });
        await using var held = await one.OpenConnectionAsync(Cancel);

        PostgresErrors.Translate(await Should.ThrowAsync<NpgsqlException>(async () => await one.OpenConnectionAsync(Cancel)))
            .Message.ShouldStartWith("All connections to the database are in use");
    }

    [Fact]
    public void Other_exceptions_stay_what_they_are()
    {
        var other = new InvalidOperationException("x");

        PostgresErrors.Translate(other).ShouldBeSameAs(other);
    }

    private async Task<Exception> FailAsync(string sql)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        return await Should.ThrowAsync<Exception>(() => connection.ExecuteAsync(sql));
    }
}
