using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Pimm.Core;
using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Queueing;

/// <summary>Workers that say who they are, which kinds they take and what their clocks show.</summary>
public sealed class WorkerRegistryTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_is_listed_while_it_runs_and_closed_when_it_stops()
    {
        await using var world = await QueueWorld.CreateAsync();
        var workers = new WorkerStore(world.Database.DataSource);
        await world.ScalarAsync<int>("insert into worker (name, host, pid, version, kinds, capabilities, slots, schedules, seen_at) values ('old', 'old', 1, '', '{}', '{}', 1, false, now() - interval '25 hours')");
        var options = QueueWorld.Quick(slots: 3);
        options.Capabilities = ["gpu"];
        options.Presence = TimeSpan.FromMilliseconds(200);
        await using var leases = new WorkerLeases(Options.Create(world.Database.Options), Options.Create(options));
        using var presence = new WorkerPresence([new Idle("train"), new Idle("score")], leases, TimeProvider.System, NullLogger<WorkerPresence>.Instance);

        await presence.StartAsync(Cancel);
        var first = await UntilAsync(workers, worker => worker is { State: "running", Name: not "old" });
        first.Kinds.ShouldBe(["score", "train"]);
        first.Capabilities.ShouldBe(["gpu"]);
        (first.Slots, first.Pid).ShouldBe((3, Environment.ProcessId));
        first.ClockOffset!.Value.Duration().ShouldBeLessThan(TimeSpan.FromSeconds(1));
        await UntilAsync(workers, worker => worker.SeenAt > first.SeenAt);
        await presence.StopAsync(Cancel);

        var listed = await workers.ListAsync(Cancel);
        listed.Select(worker => worker.State).ShouldBe(["stopped"]);
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(-4, true)]
    [InlineData(6, false)]
    [InlineData(-60, false)]
    [InlineData(86_400, false)]
    public async Task A_worker_whose_clock_is_far_off_takes_nothing_until_it_is_right(int secondsAhead, bool takes)
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();
        var options = QueueWorld.Quick();
        (options.Presence, options.ClockCheck) = (TimeSpan.FromMilliseconds(100), TimeSpan.Zero);
        await using var leases = new WorkerLeases(Options.Create(world.Database.Options), Options.Create(options));
        var clock = new ShiftedClock { Ahead = TimeSpan.FromSeconds(secondsAhead) };
        Idle[] jobs = [new Idle("job")];
        using var presence = new WorkerPresence(jobs, leases, clock, NullLogger<WorkerPresence>.Instance);
        using var worker = new Worker(jobs, world.Database.DataSource, leases, clock, NullLogger<Worker>.Instance);

        await presence.StartAsync(Cancel);
        await worker.StartAsync(Cancel);
        await Task.Delay(700, Cancel);
        (takes ? await world.FinishedAsync(id) : await world.Queue.GetAsync(id, Cancel)).State.ShouldBe(takes ? JobStates.Succeeded : JobStates.Queued);
        (leases.Clock.Offset - clock.Ahead).Duration().ShouldBeLessThan(TimeSpan.FromSeconds(0.5));

        clock.Ahead = TimeSpan.Zero;
        (await world.FinishedAsync(id)).State.ShouldBe(JobStates.Succeeded);
        await worker.StopAsync(Cancel);
        await presence.StopAsync(Cancel);
    }

    [Theory]
    [InlineData("", "", "export score score-shard train")]
    [InlineData("score", "", "score score-shard")]
    [InlineData("", "train", "export score score-shard")]
    [InlineData("train score", "score-shard", "score train")]
    public void A_worker_takes_the_kinds_it_is_bound_to(string only, string not, string taken) =>
        string.Join(' ', Bound(only, not).KindsOf(["train", "score", "score-shard", "export"])).ShouldBe(taken);

    [Theory]
    [InlineData("trian", "", "There is no kind of run \"trian\": choose among score, train.")]
    [InlineData("", "train score", "A worker that takes no kind of run does nothing: name fewer in Queueing:NotKinds.")]
    public void A_worker_bound_to_nothing_is_refused(string only, string not, string sentence) =>
        Should.Throw<InputException>(() => Bound(only, not).KindsOf(["train", "score"])).Message.ShouldBe(sentence);

    [Fact]
    public async Task What_a_kind_requires_by_the_settings_is_written_down_with_its_runs()
    {
        await using var world = await QueueWorld.CreateAsync();
        var queue = new JobQueue(world.Database.DataSource, Options.Create(new QueueingOptions { Requires = { ["train"] = "gpu, large" } }));

        var train = await queue.EnqueueAsync(new JobRequest("train", "1", new { }), Cancel);
        var unbound = await queue.EnqueueAsync(new JobRequest("train", "2", new { }, Requires: []), Cancel);
        var score = await queue.EnqueueAsync(new JobRequest("score", "1", new { }), Cancel);

        (await queue.GetAsync(train, Cancel)).Requires.ShouldBe(["gpu", "large"]);
        (await queue.GetAsync(unbound, Cancel)).Requires.ShouldBeEmpty();
        (await queue.GetAsync(score, Cancel)).Requires.ShouldBeEmpty();
    }

    private static QueueingOptions Bound(string only, string not) =>
        new() { Kinds = only.Split(' ', StringSplitOptions.RemoveEmptyEntries), NotKinds = not.Split(' ', StringSplitOptions.RemoveEmptyEntries) };

    private static async Task<WorkerProcess> UntilAsync(WorkerStore workers, Func<WorkerProcess, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        while (true)
        {
            if ((await workers.ListAsync(limit.Token)).FirstOrDefault(condition) is { } found) return found;
            await Task.Delay(50, limit.Token);
        }
    }

    private sealed class Idle(string kind) : IJob
    {
        public string Kind => kind;

        public Task RunAsync(JobExecution run, CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class ShiftedClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }
}
