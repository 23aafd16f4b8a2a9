using Dapper;
using Pimm.Core;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Queueing;

public sealed class ScheduleStoreTests : IAsyncLifetime
{
    private TestDatabase database = null!;
    private ScheduleStore schedules = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.MigratedAsync();
        schedules = new ScheduleStore(database.DataSource);
    }

    [Fact]
    public async Task A_new_installation_keeps_house_and_trains_or_contacts_nobody() =>
        (await schedules.ListAsync(Cancel)).Select(schedule => (schedule.Kind, schedule.Cron, schedule.TimeZone, schedule.Enabled))
            .ShouldBe([("retain", "0 4 * * *", "UTC", true), ("collect", "*/10 * * * *", "UTC", true), ("lift", "0 5 * * *", "UTC", true)]);

    [Fact]
    public async Task What_two_people_change_at_once_is_changed_once()
    {
        var read = await schedules.GetAsync("retention", Cancel);

        var changed = await schedules.ChangeAsync(read with { Cron = "0 6 * * *", ChangedBy = "ann" }, Cancel);

        (changed.Version, changed.ChangedBy, changed.Cron).ShouldBe((2, "ann", "0 6 * * *"));
        (changed.ActiveSince > read.ActiveSince).ShouldBeTrue();
        (await Should.ThrowAsync<InputException>(() => schedules.ChangeAsync(read with { Enabled = false }, Cancel))).Message
            .ShouldBe("The schedule \"retention\" was changed or removed by somebody else meanwhile: look at it, then change it again.");
    }

    [Fact]
    public async Task A_change_by_hand_raises_the_version_and_tells_the_clocks_and_a_problem_does_not()
    {
        await using var listener = await database.DataSource.OpenConnectionAsync(Cancel);
        var told = 0;
        listener.Notification += (_, _) => told++;
        await listener.ExecuteAsync("listen pimm_schedule");

        await ExecuteAsync("update schedule set cron = '0 7 * * *' where name = 'retention'");

        var changed = await schedules.GetAsync("retention", Cancel);
        (changed.Version, changed.ChangedBy).ShouldBe((2, await ScalarAsync<string>("select session_user::text")));
        listener.Wait(2000).ShouldBeTrue();
        await schedules.SetProblemAsync(changed, "No such hour.", Cancel);
        (await schedules.GetAsync("retention", Cancel)).Version.ShouldBe(2);
        await schedules.SetProblemAsync(changed with { Version = 1 }, "Of the version before.", Cancel);
        (await schedules.GetAsync("retention", Cancel)).Problem.ShouldBe("No such hour.");
        told.ShouldBeGreaterThanOrEqualTo(1);
    }

    [Theory]
    [InlineData("retrain", null, null, "A retrain schedule trains one model line: give --line.")]
    [InlineData("retrain", 99L, null, "There is no model line 99: see pimm models list.")]
    [InlineData("campaign", null, 99L, "There is no campaign 99: see pimm campaigns list.")]
    [InlineData("lift", 1L, null, "A lift schedule has no model line: leave --line out.")]
    [InlineData("dance", null, null, "\"dance\" is no kind of schedule: choose retrain, campaign, collect, lift, retain.")]
    public async Task A_schedule_of_nothing_is_refused(string kind, long? line, long? campaign, string sentence) =>
        (await Should.ThrowAsync<InputException>(() => schedules.AddAsync(Schedule.New("new", kind, line, campaign, "0 1 * * *", "UTC", "ann"), Cancel))).Message.ShouldBe(sentence);

    [Fact]
    public async Task One_name_is_one_schedule() =>
        (await Should.ThrowAsync<InputException>(() => schedules.AddAsync(Schedule.New("retention", "retain", null, null, "0 1 * * *", "UTC", "ann"), Cancel))).Message
            .ShouldBe("There is a schedule named \"retention\" already: choose another name, or edit it.");

    [Fact]
    public async Task A_schedule_is_late_when_its_last_success_is_older_than_its_bound()
    {
        var health = new ScheduleHealthStore(database.DataSource);
        (await health.TroublesAsync(Cancel)).ShouldBeEmpty();

        await ExecuteAsync("update schedule set active_since = clock_timestamp() - interval '30 hours'");
        (await health.TroublesAsync(Cancel)).Select(trouble => (trouble.Schedule, trouble.Trouble))
            .ShouldBe([("retention", "late"), ("outcome files", "late"), ("lift reports", "late")]);

        var queue = new JobQueue(database.DataSource);
        var run = await queue.EnqueueAsync(new JobRequest("retain", "1", new { }), Cancel);
        await ExecuteAsync($"insert into schedule_firing (schedule_id, occasion, logical_date, scheduled_at, fired_by, runs, outcome) select id, 'x', current_date, now(), 'test', array[{run}], '' from schedule where name = 'retention'");
        (await health.TroublesAsync(Cancel)).First().Sentence.ShouldStartWith("The schedule \"retention\" has not succeeded since ");
        await ExecuteAsync($"update job_run set state = 'succeeded', finished_at = clock_timestamp() - interval '25 hours' where id = {run}");
        (await health.TroublesAsync(Cancel)).Select(trouble => trouble.Schedule).ShouldBe(["outcome files", "lift reports"]);

        await ExecuteAsync("insert into schedule_firing (schedule_id, occasion, logical_date, scheduled_at, fired_by, refused, outcome) select id, 'x', current_date, now(), 'test', kind = 'lift', '' from schedule where kind in ('lift', 'collect')");
        (await health.TroublesAsync(Cancel)).Select(trouble => trouble.Schedule).ShouldBe(["lift reports"]);
    }

    [Fact]
    public async Task A_success_longer_ago_than_the_bound_is_still_the_last_one()
    {
        await ExecuteAsync("""
            update schedule set active_since = '2026-01-01', enabled = name = 'retention';
            insert into schedule_firing (schedule_id, occasion, logical_date, scheduled_at, fired_at, fired_by, outcome)
            select id, at::text, current_date, at, at, 'test', '' from schedule, unnest(array[timestamptz '2026-03-20 04:00Z', '2026-03-24 04:00Z']) at where name = 'retention'
            """);

        var late = (await new ScheduleHealthStore(database.DataSource).TroublesAsync(Cancel)).ShouldHaveSingleItem();

        (late.Trouble, late.LastSuccess).ShouldBe(("late", new DateTimeOffset(2026, 3, 24, 4, 0, 0, TimeSpan.Zero)));
        late.Sentence.ShouldContain("has not succeeded since 2026-03-24 04:00 UTC");
    }

    [Fact]
    public async Task A_trigger_that_was_given_up_and_a_schedule_that_no_worker_understands_are_named()
    {
        var id = await ScalarAsync<long>("select id from schedule where name = 'retention'");
        await ExecuteAsync($"""
            insert into qrtz_job_details (sched_name, job_name, job_group, job_class_name, is_durable, is_nonconcurrent, is_update_data, requests_recovery) values ('pimm', 'fire', 'schedule', 'x', true, false, false, true);
            insert into qrtz_triggers (sched_name, trigger_name, trigger_group, job_name, job_group, trigger_state, trigger_type, start_time) values ('pimm', '{id}', 'schedule', 'fire', 'schedule', 'ERROR', 'CRON', 0)
            """);
        await schedules.SetProblemAsync(await schedules.GetAsync("lift reports", Cancel), "The hour 25 is none: choose 0 to 23.", Cancel);

        var troubles = await new ScheduleHealthStore(database.DataSource).TroublesAsync(Cancel);

        troubles.Select(trouble => (trouble.Trouble, trouble.Sentence)).ShouldBe([
            ("error", "The schedule \"retention\" does not fire: its trigger failed too often. Look at the workers' logs, then pimm schedules reset \"retention\"."),
            ("refused", "The schedule \"lift reports\" does not fire: The hour 25 is none: choose 0 to 23.")]);
    }

    private Task<int> ExecuteAsync(string sql) => ScalarAsync<int>(sql);

    private async Task<T?> ScalarAsync<T>(string sql)
    {
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<T>(sql);
    }

    public ValueTask DisposeAsync() => database.DisposeAsync();
}
