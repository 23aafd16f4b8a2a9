using Dapper;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Outcomes;

/// <summary>Writers that meet: each scene holds one of them up where it hurts most.</summary>
public sealed class RacingOutcomesTests(OutcomeRequests requests) : IClassFixture<OutcomeRequests>
{
    private const string File =
        """
        insert into import_file(audience_id, kind, file_name, sha256, received, created, updated, skipped, quarantined, imported_at)
        values (@Audience, 'outcomes', 'sales.csv', sha256('sales'), 1, 1, 0, 0, 0, now());
        insert into outcome_event(source, event_id, import_file_id) select 'race', 'sale', max(id) from import_file;
        insert into customer_outcome(customer, audience_id, occurred_at, amount, source, event_id) values (@customer, @Audience, now(), 100, 'race', 'sale');
        insert into outcome_received(received_at, source, event_id, weak, kind, customer, audience_id, occurred_at, amount, void, import_file_id)
        select now(), 'race', 'sale', false, 3, @customer, @Audience, now(), 100, false, max(id) from import_file;
        select max(id) from import_file;
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private OutcomeWorld World => requests.World;

    [Fact]
    public async Task Events_that_are_tried_again_while_they_are_sent_again_count_once()
    {
        var refund = World.Outcome("again", 20, 5, ",\"corrects\":\"first\"");
        (await requests.SendAsync([refund], "meeting")).Quarantined.ShouldBe(1);
        (await requests.SendAsync([World.Outcome("first", 20, 50)], "meeting")).Accepted.ShouldBe(1);
        await using var held = await HoldLogAsync();

        var sent = requests.SendAsync([refund], "meeting");
        await WaitersAsync(1);
        var replayed = requests.ReplayAsync();
        await WaitersAsync(2);
        await held.Transaction.RollbackAsync(Cancel);

        (await sent).Accepted.ShouldBe(1);
        (await replayed).Duplicate.ShouldBe(1);
        (await requests.OneAsync<long>("select count(*) from outcome_problem where source = 'meeting'")).ShouldBe(0);
    }

    [Fact]
    public async Task Batches_that_report_and_imply_each_others_stages_both_land()
    {
        await using var held = await HoldLogAsync();

        var one = requests.SendAsync([World.Label("s1", 22, 2), World.Label("s2", 23, 1)], "ring one", FunnelOrder.CascadeUp);
        await WaitersAsync(1);
        var other = requests.SendAsync([World.Label("s1", 22, 1), World.Label("s2", 23, 2)], "ring two", FunnelOrder.CascadeUp);
        await WaitersAsync(2);
        await held.Transaction.RollbackAsync(Cancel);

        ((await one).Accepted, (await other).Accepted).ShouldBe((2, 2));
        (await requests.OneAsync<long>($"select count(*) from funnel_label where customer in ('{OutcomeWorld.CustomerOf(22)}', '{OutcomeWorld.CustomerOf(23)}')")).ShouldBe(4);
    }

    [Fact]
    public async Task An_undo_waits_for_a_correction_on_its_way_and_then_leaves_the_file()
    {
        await using var connection = await requests.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        var file = await connection.ExecuteScalarAsync<long>(File, new { World.Audience, customer = OutcomeWorld.CustomerOf(24) });
        await using var held = await HoldLogAsync();

        var sent = requests.SendAsync([World.Outcome("refund", 24, null, ",\"corrects\":\"sale\",\"void\":true")], "race");
        await WaitersAsync(1);
        var undone = requests.Pimm.Service<UndoImport>().RunAsync(file, "user:ada", Cancel);
        await WaitersAsync(2);
        await held.Transaction.RollbackAsync(Cancel);

        (await sent).Accepted.ShouldBe(1);
        (await Should.ThrowAsync<InputException>(() => undone)).Message.ShouldContain("Later events correct");
        (await requests.OneAsync<bool>("select voided from customer_outcome where source = 'race'")).ShouldBeTrue();
    }

    [Fact]
    public async Task A_month_is_attached_while_an_event_of_it_is_coming_in()
    {
        var far = new DateOnly(OutcomeRequests.Today.Year, OutcomeRequests.Today.Month, 1).AddMonths(9);
        await using var connection = await requests.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await connection.ExecuteAsync(
            "insert into outcome_received(received_at, source, event_id, weak, kind, customer, audience_id, occurred_at, void) values (@far + interval '1 day', 'month', 'e', false, 3, gen_random_uuid(), 1, now(), false)", new { far });

        var added = requests.OneAsync<bool>($"select add_outcome_month('{far:yyyy-MM-dd}')");
        await WaitersAsync(1);
        await transaction.CommitAsync(Cancel);

        (await added).ShouldBeTrue();
        (await requests.OneAsync<string>("select tableoid::regclass::text from outcome_received where source = 'month'")).ShouldBe($"outcome_received_{far:yyyy_MM}");
    }

    private sealed record Held(NpgsqlConnection Connection, NpgsqlTransaction Transaction) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Transaction.DisposeAsync();
            await Connection.DisposeAsync();
        }
    }

    /// <summary>Whoever writes to the log waits; readers do not.</summary>
    private async Task<Held> HoldLogAsync()
    {
        var connection = await requests.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        var transaction = await connection.BeginTransactionAsync(Cancel);
        await connection.ExecuteAsync("lock table outcome_received in share row exclusive mode");
        return new Held(connection, transaction);
    }

    private async Task WaitersAsync(int count)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (await requests.OneAsync<long>("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") < count)
            await Task.Delay(20, limit.Token);
    }
}
