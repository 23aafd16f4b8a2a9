using Dapper;
using Npgsql;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Outcomes;

public sealed class TakeOutcomesTests(OutcomeRequests requests) : IClassFixture<OutcomeRequests>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private OutcomeWorld World => requests.World;

    [Fact]
    public async Task Each_kind_lands_in_its_table_and_in_the_log_as_it_was_received()
    {
        var answer = await requests.SendAsync([
            World.Delivered("k1", 1), World.Label("k2", 1, 1), World.Label("k3", 1, 2), World.Outcome("k4", 1, 12.5, ",\"currency\":\"EUR\""),
            World.Outcome("k5", 199, null)], "kinds");

        (answer with { Errors = [] }).ShouldBe(new BatchAnswer(5, 5, 0, 0, 0, 0, []));
        (await requests.OneAsync<long>($"select count(*) from delivery where customer = '{OutcomeWorld.CustomerOf(1)}' and campaign_id = {World.Campaign}")).ShouldBe(1);
        (await requests.QueryAsync<short>($"select stage from funnel_label where customer = '{OutcomeWorld.CustomerOf(1)}' and campaign_id = {World.Campaign} order by stage")).ShouldBe([(short)1, (short)2]);
        (await requests.QueryAsync<double?>("select amount from customer_outcome where source = 'kinds' order by event_id")).ShouldBe([12.5, null]);
        (await requests.QueryAsync<string>("select event_id || coalesce(currency, '') from outcome_received where source = 'kinds' and import_file_id is null order by event_id")).ShouldBe(["k1", "k2", "k3", "k4EUR", "k5"]);
    }

    [Fact]
    public async Task An_event_counts_once_whoever_sends_it_in_whatever_batch()
    {
        await requests.SendAsync([World.Outcome("o1", 2, 10)], "once");

        var again = await requests.SendAsync([World.Outcome("o1", 2, 10), World.Outcome("o2", 3, 20), World.Outcome("o2", 3, 20)], "once");
        var other = await requests.SendAsync([World.Outcome("o1", 2, 10)], "another source");

        (again.Received, again.Accepted, again.Duplicate, again.Quarantined).ShouldBe((3, 1, 2, 0));
        other.Accepted.ShouldBe(1);
        (await requests.QueryAsync<double>("select amount from customer_outcome where source = 'once' order by event_id")).ShouldBe([10, 20]);
    }

    [Fact]
    public async Task Without_an_id_an_event_is_what_it_says()
    {
        var first = await requests.SendAsync([World.Outcome("", 4, 10), World.Outcome("", 4, 10), World.Outcome("", 4, 11), World.Outcome("", 4, 10, ",\"currency\":\"EUR\"")], "nameless");
        var second = await requests.SendAsync([World.Outcome("", 4, 10)], "nameless");

        (first.Accepted, first.Duplicate, first.Weak).ShouldBe((3, 1, 3));
        (second.Accepted, second.Duplicate, second.Weak).ShouldBe((0, 1, 0));
        (await requests.OneAsync<long>("select count(*) from outcome_received where source = 'nameless' and weak")).ShouldBe(3);
    }

    [Fact]
    public async Task A_customer_is_found_by_the_key_of_the_file_too()
    {
        var answer = await requests.SendAsync([$$"""{"event_id":"r","kind":"outcome","customer_ref":"c5","campaign":{{World.Campaign}},"occurred_at":"{{World.Time}}","amount":3}"""], "by reference");

        answer.Accepted.ShouldBe(1);
        (await requests.OneAsync<Guid>("select customer from customer_outcome where source = 'by reference'")).ShouldBe(OutcomeWorld.CustomerOf(5));
    }

    [Fact]
    public async Task What_cannot_be_read_or_believed_is_put_aside_with_its_code_and_index()
    {
        string campaign = $"\"campaign\":{World.Campaign}", when = $"\"occurred_at\":\"{World.Time}\"", customer = $"\"customer\":\"{OutcomeWorld.CustomerOf(6)}\"";
        (string Event, string Code)[] bad =
        [
            ("{", "bad_json"), ("7", "bad_json"), ("{\"event_id\":\"\\ud800\"}", "bad_text"), ("{\"event_id\":\"a\\u0000\"}", "bad_text"), ("{\"event_id\":[1]}", "bad_text"),
            ($"{{\"event_id\":\"weak:1\",{customer},\"kind\":\"outcome\",{campaign},{when}}}", "bad_event"),
            ($"{{{customer},\"kind\":\"bought\",{when}}}", "bad_kind"), ($"{{{customer},\"kind\":\"outcome\",\"voïd\":true,{when}}}", "unknown_field"),
            ($"{{\"kind\":\"outcome\",{campaign},{when}}}", "bad_key"), ($"{{{customer},\"customer_ref\":\"c6\",\"kind\":\"outcome\",{campaign},{when}}}", "bad_key"),
            ($"{{\"customer_ref\":\"ann@example.com\",\"kind\":\"outcome\",{campaign},{when}}}", "bad_key"),
            ($"{{{customer},\"kind\":\"outcome\",{campaign},\"occurred_at\":\"2026-03-05T00:00:00\"}}", ImportCode.BadTime),
            ($"{{{customer},\"kind\":\"outcome\",{campaign},{when},\"amount\":\"12\"}}", ImportCode.BadNumber), ($"{{{customer},\"kind\":\"outcome\",{campaign},{when},\"amount\":1e400}}", ImportCode.BadNumber),
            ($"{{{customer},\"kind\":\"outcome\",{campaign},{when},\"currency\":\"eur\"}}", "bad_currency"),
            ($"{{{customer},\"kind\":\"outcome\",{campaign},{when},\"void\":true}}", "bad_correction"), ($"{{{customer},\"kind\":\"outcome\",{campaign},{when},\"corrects\":\"x\"}}", "bad_correction"),
            ($"{{{customer},\"kind\":\"outcome\",{campaign},{when},\"corrects\":\"x\",\"amount\":1}}", "unknown_correction"),
            ($"{{{customer},\"kind\":\"outcome\",{when}}}", "missing_audience"), ($"{{{customer},\"kind\":\"outcome\",\"campaign\":999999,{when}}}", "unknown_campaign"),
            ($"{{{customer},\"kind\":\"delivered\",{campaign},\"wave\":\"5 March\",{when}}}", "bad_wave"), ($"{{{customer},\"kind\":\"delivered\",{when}}}", "bad_campaign"),
            (World.Label("b1", 6, 1).Replace("click", "kissed", StringComparison.Ordinal), "bad_stage"), (World.Label("b2", 6, 3), "funnel_order"),
            (World.Delivered("b3", 180), "unknown_impression"), (World.Outcome("b4", 777, 1), "unknown_customer"),
        ];

        var answer = await requests.SendAsync(bad.Select(one => one.Event), "bad");

        answer.Errors.Select(error => (error.Index, error.Code)).ShouldBe(bad.Select((one, index) => (index, one.Code)));
        (answer.Received, answer.Quarantined, answer.Accepted).ShouldBe((bad.Length, bad.Length, 0));
        string.Join(' ', answer.Errors.Select(error => error.Message)).ShouldNotContain("ann@");
        (await requests.OneAsync<long>($"select count(*) from stray_delivery where customer = '{OutcomeWorld.CustomerOf(180)}' and import_file_id is null")).ShouldBe(1);
        var kept = await requests.Pimm.Service<OutcomeProblemStore>().ListAsync(new OutcomeProblemFilter("bad"), 100, Cancel);
        kept.Select(problem => problem.Code).Order().ShouldBe(bad.Select(one => one.Code).Order());
        (await requests.OneAsync<long>("select count(*) from outcome_problem where position('ann@example.com'::bytea in sealed) > 0")).ShouldBe(0);

        (await requests.SendAsync(bad.Select(one => one.Event), "bad")).Quarantined.ShouldBe(bad.Length);
        (await requests.OneAsync<long>("select count(*) from outcome_problem where source = 'bad'")).ShouldBe(bad.Length, "A bad event is kept once.");
    }

    [Fact]
    public async Task Cascade_up_believes_the_later_stage()
    {
        (await requests.SendAsync([World.Label("c1", 7, 3)], "cascade", FunnelOrder.CascadeUp)).Accepted.ShouldBe(1);

        (await requests.QueryAsync<short>($"select stage from funnel_label where customer = '{OutcomeWorld.CustomerOf(7)}' order by stage")).ShouldBe([(short)1, (short)2, (short)3]);
    }

    [Fact]
    public async Task What_lacked_something_counts_when_it_is_tried_again_and_is_no_problem_any_more()
    {
        await requests.SendAsync([World.Label("p3", 8, 3), World.Label("p2", 8, 2), World.Outcome("pc", 8, 5, ",\"corrects\":\"po\""), World.Outcome("px", 999, 1)], "patience");
        var before = await requests.OneAsync<DateTime>("select received_at from outcome_problem where event_id = 'px'");
        await requests.SendAsync([World.Label("p1", 8, 1), World.Outcome("po", 8, 50)], "patience");

        var replayed = await requests.ReplayAsync();

        replayed.Accepted.ShouldBe(3);
        (await requests.QueryAsync<string>("select event_id from outcome_problem where source = 'patience'")).ShouldBe(["px"]);
        (await requests.OneAsync<DateTime>("select received_at from outcome_problem where event_id = 'px'")).ShouldBe(before);
        (await requests.OneAsync<double>("select amount from customer_outcome where source = 'patience'")).ShouldBe(5);
        (await requests.OneAsync<long>($"select count(*) from funnel_label where customer = '{OutcomeWorld.CustomerOf(8)}'")).ShouldBe(3);
    }

    [Fact]
    public async Task A_bad_event_that_is_sent_again_put_right_is_no_problem_any_more()
    {
        await requests.SendAsync([World.Outcome("fix", 9, 1).Replace("outcome", "bought", StringComparison.Ordinal)], "mended");
        (await requests.OneAsync<string>("select code from outcome_problem where source = 'mended'")).ShouldBe("bad_kind");

        (await requests.SendAsync([World.Outcome("fix", 9, 1)], "mended")).Accepted.ShouldBe(1);

        (await requests.QueryAsync<string>("select code from outcome_problem where source = 'mended'")).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_newest_correction_counts_in_whatever_order_they_come()
    {
        string At(int hour) => $",\"occurred_at\":\"{World.Wave:yyyy-MM-dd}T{hour}:00:00Z\"";
        string first = World.Outcome("c-1", 10, 80, ",\"corrects\":\"c\"" + At(13)), second = World.Outcome("c-2", 10, 70, ",\"corrects\":\"c\"" + At(14)), refund = World.Outcome("c-3", 10, null, ",\"corrects\":\"c\",\"void\":true" + At(15));

        await requests.SendAsync([second, World.Outcome("c", 10, 100), first], "refunds");
        var (amount, voided) = await requests.OneAsync<(double, bool)>("select amount, voided from customer_outcome where source = 'refunds'");
        (amount, voided).ShouldBe((70, false));
        await requests.SendAsync([refund], "refunds");
        await requests.SendAsync([first], "refunds");

        (await requests.OneAsync<bool>("select voided from customer_outcome where source = 'refunds'")).ShouldBeTrue();
        (await requests.QueryAsync<string>("select event_id from outcome_received where source = 'refunds' order by 1")).ShouldBe(["c", "c-1", "c-2", "c-3"]);
        (await requests.OneAsync<DateTime>("select occurred_at from customer_outcome where source = 'refunds'")).Hour.ShouldBe(12);
    }

    [Fact]
    public async Task An_event_of_tomorrow_and_one_of_a_campaign_that_is_long_over_wait_apart_and_a_late_one_counts()
    {
        var over = await requests.CreateAsync("over", OutcomeRequests.Today.AddDays(-OutcomeWorld.WindowDays - 8));
        var closed = await requests.CreateAsync("closed", OutcomeRequests.Today.AddDays(-OutcomeWorld.WindowDays - 3));
        var ahead = $",\"occurred_at\":\"{TimeProvider.System.GetUtcNow().AddMinutes(6):O}\"";

        var answer = await requests.SendAsync([
            over.Delivered("l1", 1), over.Outcome("l2", 1, 1), closed.Delivered("l3", 1), closed.Outcome("l4", 1, 1), World.Outcome("l5", 11, 1, ahead),
            World.Outcome("l6", 11, 1, $",\"occurred_at\":\"{TimeProvider.System.GetUtcNow().AddMinutes(4):O}\"")], "late");

        answer.Errors.Select(error => (error.Index, error.Code)).ShouldBe([(0, "too_late"), (1, "too_late"), (4, "future_time")]);
        (answer.Accepted, answer.Late).ShouldBe((3, 2));
        (await requests.SendAsync([closed.Outcome("l4", 1, 1)], "late")).Duplicate.ShouldBe(1);
        (await requests.OneAsync<bool>("select occurred_at is not null and received_at is not null from outcome_problem where source = 'late' and event_id = 'l1'")).ShouldBeTrue();
    }

    [Fact]
    public async Task The_same_key_is_answered_again_without_effect_and_another_request_is_refused()
    {
        string[] events = [World.Outcome("i1", 12, 1), World.Outcome("i2", 999, 1)];
        var first = await requests.AskAsync(events, "idempotent", "a key");

        var second = await requests.AskAsync(events, "idempotent", "a key");
        var other = await requests.AskAsync([World.Outcome("i3", 12, 1)], "idempotent", "a key");
        var another = await requests.AskAsync(events, "somebody else", "a key");

        first.State.ShouldBe(RequestState.Done);
        (second.State, second.Body).ShouldBe((RequestState.Replayed, first.Body));
        (other.State, other.Body).ShouldBe((RequestState.OtherRequest, null));
        another.State.ShouldBe(RequestState.Done);
        (await requests.OneAsync<long>("select count(*) from outcome_batch where source = 'idempotent'")).ShouldBe(1);
    }

    [Fact]
    public async Task An_atomic_batch_with_one_bad_event_leaves_nothing_behind()
    {
        string[] events = [World.Outcome("a1", 13, 1), World.Delivered("a2", 181), World.Outcome("a3", 999, 1)];

        var refused = await requests.AskAsync(events, "atomic", "all or none", atomic: true);

        refused.State.ShouldBe(RequestState.Refused);
        refused.Answer!.Errors.Select(error => error.Index).ShouldBe([1, 2]);
        foreach (var table in new[] { "outcome_event", "outcome_received", "outcome_problem", "customer_outcome", "outcome_batch" })
            (await requests.OneAsync<long>($"select count(*) from {table} where source = 'atomic'")).ShouldBe(0, table);
        (await requests.OneAsync<long>($"select count(*) from stray_delivery where customer = '{OutcomeWorld.CustomerOf(181)}'")).ShouldBe(0);
        (await requests.AskAsync(events[..1], "atomic", "all or none", atomic: true)).State.ShouldBe(RequestState.Done, "A refused request keeps no key.");
    }

    [Fact]
    public async Task While_a_request_is_at_work_the_same_key_is_turned_away_at_once()
    {
        await using var blocker = await requests.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        await using var transaction = await blocker.BeginTransactionAsync(Cancel);
        await blocker.ExecuteAsync("lock table outcome_received in access exclusive mode");
        var first = requests.AskAsync([World.Outcome("f1", 14, 1)], "in flight", "f");
        while (!await requests.OneAsync<bool>("select exists (select from pg_locks where not granted and relation = 'outcome_received'::regclass)"))
            await Task.Delay(20, Cancel);

        (await requests.AskAsync([World.Outcome("f1", 14, 1)], "in flight", "f")).State.ShouldBe(RequestState.InFlight);
        await transaction.RollbackAsync(Cancel);

        (await first).State.ShouldBe(RequestState.Done);
        (await requests.AskAsync([World.Outcome("f1", 14, 1)], "in flight", "f")).State.ShouldBe(RequestState.Replayed);
    }

    [Fact]
    public async Task The_log_is_cut_by_months_made_ahead_and_the_application_only_adds_to_it()
    {
        await using var connection = await requests.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        var month = new DateOnly(OutcomeRequests.Today.Year, OutcomeRequests.Today.Month, 1);
        (await connection.ExecuteScalarAsync<bool>("select add_outcome_month(@month)", new { month })).ShouldBeFalse();
        var far = month.AddMonths(7);
        await connection.ExecuteAsync(
            "insert into outcome_received(received_at, source, event_id, weak, kind, customer, audience_id, occurred_at, void) values (@far + interval '1 day', 'far', 'e', false, 3, gen_random_uuid(), 1, now(), false)", new { far });
        (await connection.ExecuteScalarAsync<string>("select tableoid::regclass::text from outcome_received where source = 'far'")).ShouldBe("outcome_received_default");

        (await connection.ExecuteScalarAsync<bool>("select add_outcome_month(@far)", new { far })).ShouldBeTrue();

        var partition = $"outcome_received_{far:yyyy_MM}";
        (await connection.ExecuteScalarAsync<string>("select tableoid::regclass::text from outcome_received where source = 'far'")).ShouldBe(partition);
        foreach (var forbidden in new[] { "delete from outcome_received", $"delete from {partition}", $"update {partition} set weak = true", $"truncate {partition}", "delete from outcome_batch" })
            (await Should.ThrowAsync<PostgresException>(() => connection.ExecuteAsync(forbidden), forbidden)).SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege, forbidden);
    }
}
