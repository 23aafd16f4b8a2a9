using System.Diagnostics;
using Dapper;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Database;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Migrations;

/// <summary>Rows of customers point to rows that exist, which is looked up once a statement.</summary>
public sealed class ReferencesTests : IAsyncLifetime
{
    private const string Score = "insert into score values ('00000000-0000-0000-0000-000000000001', 1, 0.1, 0.2)";

    private TestDatabase database = null!;
    private NpgsqlConnection owner = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        database = await OlderDatabase.UpgradedAsync("0037_references.sql",
            """
            insert into scoring(campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions) values (1, 1, 1, 2, 1, '[]');
            insert into wave(campaign_id, wave_date, scoring_id, impressions, exploration, impressions_at, published_at) values (1, '2026-03-02', 1, 1, 1, now(), now());
            insert into wave_plan values ('00000000-0000-0000-0000-000000000009', 1, '2026-03-02', 0, 0, 1, false, 1, null);
            """, Cancel);
        owner = await database.Owner.OpenConnectionAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await owner.DisposeAsync();
        await database.DisposeAsync();
    }

    [Theory]
    [InlineData("score", "scoring_id", "{0}, 0.1, 0.2")]
    [InlineData("assignment", "campaign_id", "{0}, 1, false")]
    [InlineData("wave_plan", "campaign_id", "{0}, '2026-03-02', 1, 1, 1, false, 1, null")]
    [InlineData("delivery", "campaign_id", "{0}, '2026-03-02', now()")]
    [InlineData("funnel_label", "campaign_id", "{0}, '2026-03-02', 1, now()")]
    [InlineData("customer_outcome", "audience_id", "{0}, now(), 1, 'bank', 'e'")]
    public async Task A_row_that_points_nowhere_is_refused_with_all_of_its_statement(string table, string column, string values)
    {
        var one = string.Format(null, values, "1");
        var nowhere = string.Format(null, values, "77");
        var rows = await owner.ExecuteScalarAsync<long>($"select count(*) from {table}");

        var refused = await RefusedAsync(owner, $"insert into {table} values ('00000000-0000-0000-0000-000000000001', {one}), ('00000000-0000-0000-0000-000000000002', {nowhere})");

        refused.TableName.ShouldBe(table);
        refused.ConstraintName.ShouldStartWith($"{table}_{column}");
        PostgresErrors.Translate(refused).ShouldBeOfType<InputException>();
        (await owner.ExecuteScalarAsync<long>($"select count(*) from {table}")).ShouldBe(rows);
        await owner.ExecuteAsync($"insert into {table} values ('00000000-0000-0000-0000-000000000001', {one})");
        if (table != "assignment") // whose rows are never changed
        {
            (await RefusedAsync(owner, $"update {table} set {column} = 77")).ConstraintName.ShouldBe(refused.ConstraintName);
        }
    }

    [Fact]
    public async Task Rows_that_come_by_copy_are_looked_at_too()
    {
        await using var app = await database.DataSource.OpenConnectionAsync(Cancel);
        Task<long> CopyAsync(long scoring) => BulkCopy.WriteAsync(app, "score (customer, scoring_id, control_score, treatment_score)", Enumerable.Range(0, 2_000), (row, at) =>
        {
            row.Write(new Guid(at, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]));
            row.Write(at == 1_999 ? scoring : 1L);
            row.Write(.1f);
            row.Write(.2f);
        }, Cancel);

        (await Should.ThrowAsync<PostgresException>(() => CopyAsync(77))).SqlState.ShouldBe(PostgresErrorCodes.ForeignKeyViolation);
        (await app.ExecuteScalarAsync<long>("select count(*) from score")).ShouldBe(0);
        (await CopyAsync(1)).ShouldBe(2_000);
    }

    [Theory]
    [InlineData("delete from wave where campaign_id = 1", "wave_plan")]
    [InlineData("update wave set wave_date = '2026-03-03'", "wave_plan")]
    public async Task What_is_pointed_to_stays(string statement, string table)
    {
        (await RefusedAsync(owner, statement)).TableName.ShouldBe(table);

        await owner.ExecuteAsync("update wave set impressions = 2");
        await owner.ExecuteAsync("delete from wave_plan");
        await owner.ExecuteAsync("delete from wave");
    }

    [Fact]
    public async Task Who_removes_a_row_waits_for_those_that_just_point_to_it_and_is_refused()
    {
        await owner.ExecuteAsync("delete from wave_plan; delete from wave");
        await using var writer = await database.Owner.OpenConnectionAsync(Cancel);
        await using var writing = await writer.BeginTransactionAsync(Cancel);
        await writer.ExecuteAsync(Score);
        var removing = RefusedAsync(owner, "delete from scoring");
        await WaitingAsync(owner);

        await writing.CommitAsync(Cancel);

        (await removing).TableName.ShouldBe("score");
        (await writer.ExecuteScalarAsync<long>("select count(*) from scoring")).ShouldBe(1);
    }

    [Fact]
    public async Task Who_points_to_a_row_that_is_just_removed_waits_and_is_refused()
    {
        await owner.ExecuteAsync("delete from wave_plan; delete from wave");
        await using var writer = await database.Owner.OpenConnectionAsync(Cancel);
        await using var removing = await owner.BeginTransactionAsync(Cancel);
        await owner.ExecuteAsync("delete from scoring");
        var writing = RefusedAsync(writer, Score);
        await WaitingAsync(writer);

        await removing.CommitAsync(Cancel);

        (await writing).TableName.ShouldBe("score");
        (await owner.ExecuteScalarAsync<long>("select count(*) from score")).ShouldBe(0);
    }

    private static async Task<PostgresException> RefusedAsync(NpgsqlConnection connection, string statement)
    {
        var refused = await Should.ThrowAsync<PostgresException>(() => connection.ExecuteAsync(statement), statement);
        refused.SqlState.ShouldBe(PostgresErrorCodes.ForeignKeyViolation);
        return refused;
    }

    private async Task WaitingAsync(NpgsqlConnection waiting)
    {
        await using var onlooker = await database.DataSource.OpenConnectionAsync(Cancel);
        var since = Stopwatch.StartNew();
        while (!await onlooker.ExecuteScalarAsync<bool>("select exists (select from pg_locks where pid = @ProcessID and not granted)", new { waiting.ProcessID }))
        {
            since.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20));
            await Task.Delay(20, Cancel);
        }
    }
}
