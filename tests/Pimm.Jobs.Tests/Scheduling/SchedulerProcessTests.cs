using System.Diagnostics;
using Dapper;
using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Scheduling;

/// <summary>Real workers that fire schedules together, and what happens when they are broken.</summary>
public sealed class SchedulerProcessTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_workers_fire_each_occasion_once_and_either_goes_on_when_the_other_is_killed()
    {
        await using var world = await SchedulerWorld.CreateAsync();
        var frequent = await world.AddFrequentAsync();
        var (first, second) = (world.StartWorker(), world.StartWorker());
        await world.FiringsAsync(frequent, 3);

        first.Signal("KILL");
        await world.FiringsAsync(frequent, 3);
        await world.ReadyAsync(world.StartWorker());
        second.Signal("KILL");
        await world.FiringsAsync(frequent, 3);

        await world.EachOccasionHasOneRunAsync(frequent);
    }

    [Fact]
    public async Task Two_workers_of_the_same_name_fire_each_occasion_once()
    {
        await using var world = await SchedulerWorld.CreateAsync();
        var frequent = await world.AddFrequentAsync();
        world.StartWorker(("Scheduling__InstanceId", "twin"));
        world.StartWorker(("Scheduling__InstanceId", "twin"));

        await world.FiringsAsync(frequent, 5);

        await world.EachOccasionHasOneRunAsync(frequent);
        (await world.QueryAsync<string>("select instance_name from qrtz_scheduler_state")).ShouldBe(["twin"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_firing_whose_worker_was_killed_half_way_is_taken_over(bool bySameName)
    {
        await using var world = await SchedulerWorld.CreateAsync();
        var id = (await world.Schedules.GetAsync("retention", Cancel)).Id;
        var worker = await world.ReadyAsync(world.StartWorker(("Scheduling__InstanceId", "killed")));
        await using var blocker = await world.Database.Owner.OpenConnectionAsync(Cancel);
        await using (var transaction = await blocker.BeginTransactionAsync(Cancel))
        {
            await blocker.ExecuteAsync("lock table schedule_firing in share mode", transaction: transaction);
            await world.ScalarAsync<int>($"update qrtz_triggers set next_fire_time = {Ticks("now()")} where trigger_name = '{id}'");
            await world.UntilAsync(async () => await world.ScalarAsync<bool>("select exists (select from pg_locks where not granted and relation = 'schedule_firing'::regclass)"), worker);
            worker.Signal("KILL");
            await worker.ExitedAsync();
        }
        (await world.ScalarAsync<long>($"select count(*) from schedule_firing where schedule_id = {id}")).ShouldBe(0);

        var killed = Stopwatch.StartNew();
        var other = world.StartWorker(("Scheduling__InstanceId", bySameName ? "killed" : "other"));
        await world.UntilAsync(async () => await world.ScalarAsync<long>($"select count(*) from job_run where dedupe_key like 'schedule/{id}/%'") == 1, other);
        TestContext.Current.TestOutputHelper?.WriteLine($"taken over {killed.Elapsed.TotalSeconds:F1} s after the start of a worker of {(bySameName ? "the same" : "another")} name");
    }

    [Fact]
    public async Task Three_nights_without_a_worker_fire_once_for_the_latest_date_and_the_others_are_listed()
    {
        await using var world = await SchedulerWorld.CreateAsync();
        var midnight = await world.Schedules.ChangeAsync(await world.Schedules.GetAsync("retention", Cancel) with { Cron = "0 0 * * *" }, Cancel);
        var first = await world.ReadyAsync(world.StartWorker());
        first.Signal("TERM");
        (await first.ExitedAsync()).ShouldBe(0);
        await world.ScalarAsync<int>($"update qrtz_triggers set next_fire_time = {Ticks("date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' - interval '3 days'")} where trigger_name = '{midnight.Id}'");
        await world.ScalarAsync<int>($"update schedule set active_since = now() - interval '100 hours' where id = {midnight.Id}");

        var back = world.StartWorker();
        await world.UntilAsync(async () => (await world.Schedules.FiringsAsync(midnight.Id, 9)).Count > 0, back);
        await Task.Delay(1500, Cancel);

        var today = await world.ScalarAsync<DateOnly>("select (clock_timestamp() at time zone 'UTC')::date");
        (await world.Schedules.FiringsAsync(midnight.Id, 9)).Select(firing => firing.LogicalDate).ShouldBe([today]);
        (await world.ScalarAsync<long>($"select count(*) from job_run where dedupe_key like 'schedule/{midnight.Id}/%'")).ShouldBe(1);
        var listed = await PimmProcess.RunAsync(world.Database, "schedules", "missed", "retention");
        foreach (var missed in Enumerable.Range(1, 3))
            listed.Output.ShouldContain($"{today.AddDays(-missed):yyyy-MM-dd}  retention");
        listed.Output.ShouldNotContain($"{today:yyyy-MM-dd}  retention");
        // What pages show of it, they read where the worker wrote it.
        await world.UntilAsync(async () => (await world.QueryAsync<DateTime>($"select unnest(next_at) from schedule_outlook where schedule_id = {midnight.Id}"))
            .SequenceEqual(Enumerable.Range(1, 5).Select(night => today.AddDays(night).ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc))), back);
    }

    [Fact]
    public async Task A_schedule_changed_by_hand_paused_broken_or_in_error_is_taken_over_and_told()
    {
        await using var world = await SchedulerWorld.CreateAsync();
        var worker = await world.ReadyAsync(world.StartWorker());
        await world.UntilAsync(async () => await world.ScalarAsync<long>("select count(*) from qrtz_triggers") == 3, worker);
        var before = await world.QueryAsync<string>("select trigger_name || ' ' || start_time from qrtz_triggers where trigger_name <> '1' order by 1");

        await world.ScalarAsync<int>("update schedule set cron = '15 6 * * *' where name = 'retention'");
        await world.UntilAsync(async () => await world.ScalarAsync<string>("select cron_expression from qrtz_cron_triggers where trigger_name = '1'") == "0 15 6 * * ?", worker);
        await world.ScalarAsync<int>("update schedule set cron = 'whenever' where name = 'retention'");
        await world.UntilAsync(async () => await world.ScalarAsync<long>("select count(*) from qrtz_triggers where trigger_name = '1'") == 0, worker);
        (await world.Schedules.GetAsync("retention", Cancel)).Problem.ShouldStartWith("The cron expression \"whenever\" cannot be read");
        await world.ScalarAsync<int>("update schedule set problem = 'looked at once' where name = 'retention'");
        await Task.Delay(2000, Cancel);
        (await world.Schedules.GetAsync("retention", Cancel)).Problem.ShouldBe("looked at once");
        await world.ScalarAsync<int>("update schedule set cron = '15 7 * * *' where name = 'retention'");
        await world.UntilAsync(async () => await world.ScalarAsync<long>("select count(*) from qrtz_triggers where trigger_name = '1'") == 1, worker);
        (await world.Schedules.GetAsync("retention", Cancel)).Problem.ShouldBeNull();

        await world.ScalarAsync<int>("update qrtz_triggers set trigger_state = 'ERROR' where trigger_name = '1'");
        (await new ScheduleHealthStore(world.Database.DataSource).TroublesAsync(Cancel)).Single().Trouble.ShouldBe("error");
        (await PimmProcess.RunAsync(world.Database, "schedules", "reset", "retention")).ExitCode.ShouldBe(0);
        await world.UntilAsync(async () => await world.ScalarAsync<string>("select trigger_state from qrtz_triggers where trigger_name = '1'") == "WAITING", worker);
        (await PimmProcess.RunAsync(world.Database, "schedules", "pause", "retention")).ExitCode.ShouldBe(0);
        await world.UntilAsync(async () => await world.ScalarAsync<long>("select count(*) from qrtz_triggers where trigger_name = '1'") == 0, worker);

        (await world.QueryAsync<string>("select trigger_name || ' ' || start_time from qrtz_triggers where trigger_name <> '1' order by 1")).ShouldBe(before);
    }

    [Fact]
    public async Task A_worker_that_fires_schedules_hands_its_run_over_when_it_is_asked_to_stop()
    {
        await using var world = await SchedulerWorld.CreateAsync();
        await world.AddFrequentAsync();
        var queue = new JobQueue(world.Database.DataSource);
        var id = await queue.EnqueueAsync(new JobRequest("wait", "test", new { Steps = 1, SecondsPerStep = 120 }), Cancel);
        var worker = await world.ReadyAsync(world.StartWorker());
        await world.UntilAsync(async () => (await queue.GetAsync(id, Cancel)).State == JobStates.Running, worker);

        var asked = Stopwatch.StartNew();
        worker.Signal("TERM");

        (await worker.ExitedAsync()).ShouldBe(0);
        TestContext.Current.TestOutputHelper?.WriteLine($"gone {asked.Elapsed.TotalSeconds:F1} s after SIGTERM");
        asked.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
        var run = await queue.GetAsync(id, Cancel);
        (run.State, run.Attempt).ShouldBe((JobStates.Queued, 0));
        (await new WorkerStore(world.Database.DataSource).ListAsync(Cancel)).ShouldHaveSingleItem().State.ShouldBe("stopped");
        (await world.ScalarAsync<long>("select count(*) from qrtz_fired_triggers")).ShouldBe(0);
    }

    [Fact]
    public async Task A_worker_waits_for_a_database_that_is_away_when_it_starts()
    {
        await using var world = await SchedulerWorld.CreateAsync();
        await world.ScalarAsync<int>("update schedule set enabled = name = 'retention'");
        await world.ScalarAsync<int>($"revoke connect on database {world.Database.Name} from public");
        var worker = world.StartWorker();
        await world.UntilAsync(() => Task.FromResult(worker.Error.Contains("Schedules do not fire yet", StringComparison.Ordinal)), worker);

        await world.ScalarAsync<int>($"grant connect on database {world.Database.Name} to public");

        await world.ReadyAsync(worker);
        worker.Signal("TERM");
        (await worker.ExitedAsync()).ShouldBe(0);
    }

    private static string Ticks(string time) => $"(extract(epoch from {time}) * 10000000)::bigint + 621355968000000000";
}
