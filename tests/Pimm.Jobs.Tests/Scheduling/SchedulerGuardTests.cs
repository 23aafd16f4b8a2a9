using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Scheduling;

/// <summary>A worker does not start beside a scheduler that does not know of it.</summary>
public sealed class SchedulerGuardTests
{
    [Theory]
    [InlineData("update scheduler_settings set format = 2", "are of version 2, this worker knows version 1: run workers of one version of Pimm.")]
    [InlineData("update scheduler_settings set scheduler = 'other'", "belong to a scheduler named \"other\", this worker's is \"pimm\".")]
    [InlineData("insert into qrtz_scheduler_state (sched_name, instance_name, last_checkin_time, checkin_interval) values ('other', 'x', 0, 0)", "are used by a scheduler named \"other\"")]
    [InlineData("insert into qrtz_fired_triggers (sched_name, entry_id, trigger_name, trigger_group, instance_name, fired_time, sched_time, priority, state, is_nonconcurrent) values ('pimm', '1', 't', 'g', 'NON_CLUSTERED', 0, 0, 5, 'EXECUTING', false)", "are used by a scheduler that is not clustered and fires everything again: stop it")]
    [InlineData("insert into qrtz_scheduler_state (sched_name, instance_name, last_checkin_time, checkin_interval, quartz_version) values ('pimm', 'x', (extract(epoch from clock_timestamp()) * 10000000)::bigint + 621355968000000000, 0, '5.0.1')", "are used by a worker with Quartz 5.0.1, this one has 4")]
    public async Task Tables_of_another_scheduler_are_refused(string other, string why)
    {
        await using var world = await SchedulerWorld.CreateAsync();
        await world.ScalarAsync<int>(other);
        var worker = world.StartWorker();

        (await worker.ExitedAsync()).ShouldBe(2);

        worker.Error.ShouldContain($"The schedules of this database {why}");
        worker.Error.ShouldContain("To take runs without firing schedules, start with --no-schedule.");
    }

    [Fact]
    public async Task A_worker_that_finds_one_later_stops()
    {
        await using var world = await SchedulerWorld.CreateAsync();
        var worker = await world.ReadyAsync(world.StartWorker());

        await world.ScalarAsync<int>("insert into qrtz_fired_triggers (sched_name, entry_id, trigger_name, trigger_group, instance_name, fired_time, sched_time, priority, state, is_nonconcurrent) values ('pimm', '1', 't', 'g', 'NON_CLUSTERED', 0, 0, 5, 'EXECUTING', false)");

        (await worker.ExitedAsync()).ShouldBe(2);
        worker.Error.ShouldContain("are used by a scheduler that is not clustered");
    }

    [Fact]
    public async Task A_worker_that_is_not_clustered_is_refused()
    {
        await using var world = await SchedulerWorld.CreateAsync();
        var worker = world.StartWorker(("Scheduling__Clustered", "false"));

        (await worker.ExitedAsync()).ShouldBe(2);

        worker.Error.ShouldContain("The setting Scheduling:Clustered is false: workers share one schedule and must know of each other.");
    }
}
