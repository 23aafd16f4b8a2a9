using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Queueing;

public sealed class DiskRoomTests
{
    [Fact]
    public async Task What_writes_rows_waits_while_the_database_s_disk_is_full_and_goes_on_by_itself()
    {
        await using var world = await QueueWorld.CreateAsync();
        var disk = new DiskOptions { DatabaseFolder = Path.GetTempPath() };
        await using var leases = new WorkerLeases(Options.Create(world.Database.Options), Options.Create(QueueWorld.Quick()), disk: new DiskSpace(Options.Create(disk)));
        // More than any disk has.
        disk.MinimumFreeMegabytes = int.MaxValue;
        using var worker = new Worker([new Nothing("import"), new Nothing("retain")], world.Database.DataSource, leases, TimeProvider.System, NullLogger<Worker>.Instance);
        var import = await world.Queue.EnqueueAsync(new JobRequest("import", "first", new { }));
        var retain = await world.Queue.EnqueueAsync(new JobRequest("retain", "second", new { }));
        await worker.StartAsync(default);

        (await world.FinishedAsync(retain)).State.ShouldBe(JobStates.Succeeded);
        (await world.Queue.GetAsync(import, default)).State.ShouldBe(JobStates.Queued);
        disk.MinimumFreeMegabytes = 0;
        disk.MinimumFreeShare = 0;
        (await world.FinishedAsync(import)).State.ShouldBe(JobStates.Succeeded);
        await worker.StopAsync(default);
    }

    private sealed class Nothing(string kind) : IJob
    {
        public string Kind => kind;

        public Task RunAsync(JobExecution run, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
