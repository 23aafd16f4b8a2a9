using System.Globalization;
using Dapper;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>The nightly clock, on nights on which clocks go wrong. Server and workers live at the time of the test's choice.</summary>
public sealed class ScheduleTests
{
    private static readonly TimeSpan Before = TimeSpan.FromSeconds(10);

    [Fact]
    public Task Two_schedulers_fire_every_occasion_once() => FaultWorld.RunAsync(9, "two schedulers, 12 schedules at the same second", async world =>
    {
        world.StartWorker(settings: QuickClock);
        world.StartWorker(settings: QuickClock);
        await FaultWorld.UntilAsync(async () => await SchedulersAsync(world) == 2, "both schedulers have checked in");
        var schedules = new ScheduleStore(world.Observer);
        var at = DateTimeOffset.UtcNow.AddSeconds(15);
        List<Schedule> all = [];
        for (var no = 0; no < 12; no++)
        {
            all.Add(await schedules.AddAsync(Schedule.New($"night {no}", ScheduleKinds.Retain, null, null, $"{at.Second} {at.Minute} {at.Hour} * * ?", "Etc/UTC", "test")));
        }

        await FaultWorld.UntilAsync(async () => (await RunsAsync(world, all)).Count(run => run.IsFinished) == all.Count, "every schedule's run is done");
        await Task.Delay(TimeSpan.FromSeconds(3));

        var runs = await RunsAsync(world, all);
        runs.Count.ShouldBe(all.Count);
        runs.ShouldAllBe(run => run.State == JobStates.Succeeded && run.Fence == 1);
        foreach (var schedule in all)
        {
            (await schedules.FiringsAsync(schedule.Id, 10)).ShouldHaveSingleItem();
        }

        world.Recovered(null, $"each fired once, the first {(runs.Min(run => run.CreatedAt) - Second(at)).TotalSeconds:F1} s after its time");
    });

    [Fact]
    public Task A_night_whose_half_past_two_does_not_exist_fires_once() => AtNightAsync(12, "spring change at 02:30", "2027-03-28T01:00:00Z", async (world, schedule, _) =>
    {
        var firing = await OnlyFiringAsync(world, schedule, count: 1);

        (firing.Occasion, firing.ScheduledAt).ShouldBe(("2027-03-28", At("2027-03-28T01:00:00Z")));
        (await RunsAsync(world, schedule)).ShouldHaveSingleItem().LogicalDate.ShouldBe(new DateOnly(2027, 3, 28));
        world.Recovered(null, "once, at 03:00 local time");
    });

    [Fact]
    public Task A_night_whose_half_past_two_comes_twice_fires_once() => AtNightAsync(12, "autumn change at 02:30", "2027-10-31T00:30:00Z", async (world, schedule, travel) =>
    {
        var first = await OnlyFiringAsync(world, schedule, count: 1);
        (first.Occasion, first.ScheduledAt).ShouldBe(("2027-10-31", At("2027-10-31T00:30:00Z")));

        await travel("2027-10-31T01:30:00Z");
        await FaultWorld.UntilAsync(async () => await NowAsync(world) > At("2027-10-31T01:30:08Z"), "the second 02:30 is over");

        (await OnlyFiringAsync(world, schedule, count: 1)).ShouldBeEquivalentTo(first);
        (await RunsAsync(world, schedule)).ShouldHaveSingleItem();
        world.Recovered(null, "once, at the first 02:30");
    });

    [Fact]
    public Task Three_nights_without_a_worker_are_one_run_for_the_latest_and_listed() => AtNightAsync(13, "three missed nights", "2027-05-10T00:30:00Z", async (world, schedule, travel) =>
    {
        (await OnlyFiringAsync(world, schedule, count: 1)).Occasion.ShouldBe("2027-05-10");

        await travel("2027-05-13T05:00:00Z");
        var back = await NowAsync(world);
        var latest = await OnlyFiringAsync(world, schedule, count: 2);
        var missed = await PimmProcess.RunAsync(world.Database, world.Settings, "schedules", "missed", "--json");

        latest.Occasion.ShouldBe("2027-05-13");
        (await RunsAsync(world, schedule)).Select(run => run.LogicalDate).ShouldBe([new DateOnly(2027, 5, 13), new DateOnly(2027, 5, 10)]);
        missed.Output.ShouldContain("2027-05-11");
        missed.Output.ShouldContain("2027-05-12");
        world.Recovered((latest.FiredAt - back).TotalSeconds, "one run for the latest night, two nights listed as missed");
    });

    private static Dictionary<string, string> QuickClock => new()
    {
        ["Scheduling__Enabled"] = "true",
        ["Scheduling__Checkin"] = "00:00:01", ["Scheduling__CheckinMisfire"] = "00:00:04", ["Scheduling__Reconcile"] = "00:00:01", ["Scheduling__IdleWait"] = "00:00:01",
    };

    /// <summary>
    /// A schedule at 02:30 in Berlin that a worker took over half a day before; server and two workers start ten seconds before
    /// <paramref name="instant"/>.
    /// </summary>
    private static async Task AtNightAsync(int row, string name, string instant, Func<FaultWorld, Schedule, Func<string, Task>, Task> check)
    {
        await using var cluster = PrivateCluster.Start("max_connections=60");
        await FaultWorld.RunAsync(row, name, async world =>
        {
            await LiveAsync(At(instant).AddHours(-12), workers: 1);
            var schedule = await new ScheduleStore(world.Observer).AddAsync(
                Schedule.New("nightly", ScheduleKinds.Retain, null, null, "30 2 * * *", "Europe/Berlin", "test"));
            await FaultWorld.UntilAsync(() => HasTriggerAsync(world, schedule), "a worker has taken the schedule over");
            await LiveAsync(At(instant) - Before, workers: 2);
            await check(world, schedule, other => LiveAsync(At(other) - Before, workers: 2));

            async Task LiveAsync(DateTimeOffset start, int workers)
            {
                foreach (var worker in world.Workers.Where(worker => !worker.HasExited))
                {
                    worker.Signal("TERM");
                    await worker.ExitedAsync();
                }

                foreach (var (key, value) in await TravelAsync(cluster, start))
                {
                    world.Settings[key] = value;
                }

                world.Reconnect();
                for (var no = 0; no < workers; no++)
                {
                    world.StartWorker(settings: QuickClock);
                }
            }
        }, TestDatabase.MigratedAsync(cluster));
    }

    /// <returns>the environment of whoever lives at the server's time</returns>
    private static async Task<IReadOnlyDictionary<string, string>> TravelAsync(PrivateCluster cluster, DateTimeOffset instant)
    {
        var clock = FakeClock.Ahead(instant - DateTimeOffset.UtcNow);
        await cluster.StopAsync();
        await cluster.RestartAsync(string.Join(' ', clock.Select(variable => $"{variable.Key}={variable.Value}")));
        return clock;
    }

    private static DateTimeOffset At(string instant) => DateTimeOffset.Parse(instant, CultureInfo.InvariantCulture);

    private static async Task<ScheduleFiring> OnlyFiringAsync(FaultWorld world, Schedule schedule, int count)
    {
        var schedules = new ScheduleStore(world.Observer);
        await FaultWorld.UntilAsync(async () => (await schedules.FiringsAsync(schedule.Id, 10)).Count >= count && (await RunsAsync(world, schedule)).All(run => run.IsFinished), $"{count} occasions have fired");
        await Task.Delay(TimeSpan.FromSeconds(2));
        var firings = await schedules.FiringsAsync(schedule.Id, 10);
        firings.Count.ShouldBe(count);
        return firings.MaxBy(firing => firing.ScheduledAt)!;
    }

    /// <summary>Newest first; the product's own schedules are not looked at.</summary>
    private static async Task<IReadOnlyList<JobRun>> RunsAsync(FaultWorld world, params IEnumerable<Schedule> schedules) =>
        [.. (await world.Queue.ListAsync(kind: "retain")).Where(run => schedules.Any(schedule => run.DedupeKey.StartsWith($"schedule/{schedule.Id}/", StringComparison.Ordinal)))];

    private static Task<bool> HasTriggerAsync(FaultWorld world, Schedule schedule) => world.History.OwnerAsync(owner =>
        owner.ExecuteScalarAsync<bool>("select exists (select from qrtz_triggers where trigger_name = @name)", new { name = $"{schedule.Id}" }));

    private static Task<long> SchedulersAsync(FaultWorld world) =>
        world.History.OwnerAsync(owner => owner.ExecuteScalarAsync<long>("select count(*) from qrtz_scheduler_state"));

    private static Task<DateTimeOffset> NowAsync(FaultWorld world) =>
        world.History.OwnerAsync(async owner => new DateTimeOffset(await owner.ExecuteScalarAsync<DateTime>("select clock_timestamp()")));

    private static DateTimeOffset Second(DateTimeOffset at) => at.AddTicks(-(at.Ticks % TimeSpan.TicksPerSecond));
}
