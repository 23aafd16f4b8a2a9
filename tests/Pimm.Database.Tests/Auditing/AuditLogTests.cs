using Dapper;
using Npgsql;
using Pimm.Core.Auditing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Auditing;

public sealed class AuditLogTests : IAsyncLifetime
{
    private TestDatabase database = null!;
    private AuditLog log = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.MigratedAsync();
        log = new AuditLog(database.DataSource);
    }

    public ValueTask DisposeAsync() => database.DisposeAsync();

    [Fact]
    public async Task An_entry_is_kept_as_it_was_given_and_hashed_as_anybody_can()
    {
        await log.AddAsync(new AuditEntry(AuditActor.User("Ånna, 日本"), "campaign.create", "campaign", "7", After: new { Name = "Spring \"24\"", Days = 3, Share = 0.10 }, From: "10.0.0.1"), Cancel);
        await log.AddAsync(new AuditEntry(AuditActor.Anonymous, "sign-in.fail", "user", ""), Cancel);

        var rows = await RowsAsync();

        rows.Select(row => (row.Id, row.Actor, row.Action, row.ObjectKind, row.ObjectId, row.Before, row.After, row.Origin)).ShouldBe(
        [
            (1, "user:Ånna, 日本", "campaign.create", "campaign", "7", null, """{"days": 3, "name": "Spring \"24\"", "share": 0.1}""", "10.0.0.1"),
            (2, "anonymous", "sign-in.fail", "user", "", null, null, null),
        ]);
        AuditChain.Text(rows[1]).ShouldBe($"1:2,27:{rows[1].At:yyyy-MM-dd'T'HH:mm:ss.ffffff}Z,9:anonymous,12:sign-in.fail,4:user,0:,---");
        AuditChain.Fault(null, rows[0]).ShouldBeNull();
        AuditChain.Fault(rows[0], rows[1]).ShouldBeNull();
    }

    [Fact]
    public async Task An_entry_exists_exactly_when_its_transaction_commits()
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        await using (await connection.BeginTransactionAsync(Cancel))
            await AuditLog.AddAsync(connection, Entry("lost"));
        await using (var transaction = await connection.BeginTransactionAsync(Cancel))
        {
            await AuditLog.AddAsync(connection, Entry("first"));
            await AuditLog.AddAsync(connection, Entry("second"));
            await transaction.CommitAsync(Cancel);
        }

        (await RowsAsync()).Select(row => (row.Id, row.ObjectId)).ShouldBe([(1, "first"), (2, "second")]);
        (await connection.ExecuteScalarAsync<int>("select count(*) from audit_entry")).ShouldBe(0);
    }

    [Fact]
    public async Task A_long_transaction_stalls_nobody_and_comes_into_the_chain_when_it_commits()
    {
        await using var slow = await database.DataSource.OpenConnectionAsync(Cancel);
        await using var transaction = await slow.BeginTransactionAsync(Cancel);
        await AuditLog.AddAsync(slow, Entry("slow"));

        await log.AddAsync(Entry("quick"), Cancel);
        await transaction.CommitAsync(Cancel);

        (await RowsAsync()).Select(row => row.ObjectId).ShouldBe(["quick", "slow"]);
    }

    [Fact]
    public async Task Entries_of_many_at_once_make_one_chain()
    {
        await Parallel.ForAsync(0, 8, Cancel, async (writer, _) =>
        {
            for (var i = 0; i < 25; i++)
            {
                await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
                await using var transaction = await connection.BeginTransactionAsync(Cancel);
                await AuditLog.AddAsync(connection, Entry($"{writer}/{i}"));
                if (i % 5 == 4)
                    await transaction.RollbackAsync(Cancel);
                else
                    await transaction.CommitAsync(Cancel);
            }
        });

        var rows = await RowsAsync();

        rows.Count.ShouldBe(160);
        rows.Zip(rows.Prepend(null)).ShouldAllBe(pair => AuditChain.Fault(pair.Second, pair.First) == null);
    }

    [Theory]
    [InlineData("insert into audit_event select 99, at, actor, action, object_kind, object_id, before, after, origin, prev_hash, row_hash from audit_event")]
    [InlineData("insert into audit_entry (actor, action, object_kind, object_id) values ('user:x', 'a.b', 'c', 'd')")]
    [InlineData("update audit_event set actor = 'user:other'")]
    [InlineData("delete from audit_event")]
    [InlineData("truncate audit_event")]
    public async Task The_product_can_only_add(string statement)
    {
        await log.AddAsync(Entry("kept"), Cancel);

        await using var app = await database.DataSource.OpenConnectionAsync(Cancel);
        (await Should.ThrowAsync<PostgresException>(() => app.ExecuteAsync(statement))).SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
        (await RowsAsync()).ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("update audit_event set actor = 'user:other'")]
    [InlineData("delete from audit_event")]
    [InlineData("truncate audit_event")]
    [InlineData("set session_replication_role = replica; delete from audit_event")]
    public async Task Even_the_owner_is_refused(string statement)
    {
        await log.AddAsync(Entry("kept"), Cancel);

        await using var owner = await database.Owner.OpenConnectionAsync(Cancel);
        (await Should.ThrowAsync<PostgresException>(() => owner.ExecuteAsync(statement))).MessageText.ShouldBe("the audit log is never changed");
        (await RowsAsync()).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_transaction_that_cannot_see_the_end_of_the_chain_is_refused()
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, Cancel);

        (await Should.ThrowAsync<PostgresException>(() => AuditLog.AddAsync(connection, Entry("x")))).MessageText.ShouldContain("not repeatable read");
    }

    [Fact]
    public async Task The_list_is_narrowed_by_who_what_which_and_when()
    {
        await log.AddAsync(new AuditEntry("user:a", "campaign.create", "campaign", "1"), Cancel);
        await log.AddAsync(new AuditEntry("user:b", "campaign.copy", "campaign", "2"), Cancel);
        await log.AddAsync(new AuditEntry("user:b", "list.download", "list", "2"), Cancel);
        var third = (await RowsAsync())[2].At;

        (await IdsAsync(new AuditFilter(Actor: "user:b"))).ShouldBe([3, 2]);
        (await IdsAsync(new AuditFilter(Action: "campaign"))).ShouldBe([2, 1]);
        (await IdsAsync(new AuditFilter(Action: "list.download"))).ShouldBe([3]);
        (await IdsAsync(new AuditFilter(Object: "campaign"))).ShouldBe([2, 1]);
        (await IdsAsync(new AuditFilter(Object: "campaign:2"))).ShouldBe([2]);
        (await IdsAsync(new AuditFilter(From: third))).ShouldBe([3]);
        (await IdsAsync(new AuditFilter(To: third))).ShouldBe([2, 1]);

        async Task<IEnumerable<long>> IdsAsync(AuditFilter filter) => (await log.ListAsync(filter, 10, Cancel)).Select(row => row.Id);
    }

    private static AuditEntry Entry(string id) => new(AuditActor.CommandLine, "test.add", "test", id);

    private async Task<List<AuditEvent>> RowsAsync() => await log.StreamAsync(new AuditFilter(), Cancel).ToListAsync(Cancel);
}
