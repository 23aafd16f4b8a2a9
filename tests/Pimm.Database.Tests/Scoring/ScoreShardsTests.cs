using Dapper;
using Npgsql;
using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Database.Tests.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Scoring;

/// <summary>A small campaign in twelve shards, scored once by one run alone; then runs wait for the tests' own workers.</summary>
public sealed class ShardedCampaign : IAsyncLifetime
{
    public const int Shards = 12;

    public PimmInstance Pimm { get; private set; } = null!;

    public Campaign Campaign { get; private set; } = null!;

    /// <summary>What every further scoring must be equal to.</summary>
    public IReadOnlyList<CustomerScore> Alone { get; private set; } = [];

    public ScoringRun AloneScoring { get; private set; } = null!;

    public ScoringStore Scorings => Pimm.Service<ScoringStore>();

    public async ValueTask InitializeAsync()
    {
        Pimm = await PimmInstance.StartAsync(new Dictionary<string, string?>
        {
            ["Scoring:Shards"] = $"{Shards}", ["Scoring:ShardCustomers"] = "1", ["Scoring:Assistants"] = "2", ["Scoring:Poll"] = "00:00:00.1",
        });
        var id = await Pimm.RunDemoAsync(SyntheticCampaign.Small(), CancellationToken.None);
        Campaign = await Pimm.Service<CampaignStore>().GetAsync(id);
        AloneScoring = (await Scorings.NewestAsync(id))!;
        Alone = await Scorings.ScoresAsync(AloneScoring.Id);
        await Pimm.StopWorkerAsync();
    }

    public ValueTask DisposeAsync() => Pimm.DisposeAsync();
}

public sealed class ScoreShardsTests(ShardedCampaign world) : IClassFixture<ShardedCampaign>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private JobQueue Queue => world.Pimm.Service<JobQueue>();

    [Fact]
    public async Task The_shards_cover_every_customer_once()
    {
        foreach (var shards in new[] { 1, 2, 3, 7, 64, 4_096 })
        {
            var ranges = ScoreShard.Of(shards);
            ranges.Count.ShouldBe(shards);
            ranges[0].FirstCustomer.ShouldBe(Guid.Empty);
            ranges[^1].NextCustomer.ShouldBeNull();
            ranges.Skip(1).Select(r => (Guid?)r.FirstCustomer).ShouldBe(ranges.SkipLast(1).Select(r => r.NextCustomer));
        }
        (await ShardsAsync(world.AloneScoring.Id)).Select(s => s.Shard).ShouldBe(Enumerable.Range(0, ShardedCampaign.Shards));
        world.Alone.Count.ShouldBe(6_000);
        world.Alone.Select(s => s.Customer).Distinct().Count().ShouldBe(6_000);
    }

    [Fact]
    public async Task Two_runs_share_the_shards_and_the_result_is_that_of_one()
    {
        var id = await AskAsync("shared");
        // The one that was asked waits until its assistant has had a shard.
        await using var planner = await FaultyWorker.StartAsync(world.Pimm, ["score"], (run, point) =>
        {
            if (point == "score.planned") Until(() => DoneByOthersAsync(run.RunId));
        });
        await using var assistant = await FaultyWorker.StartAsync(world.Pimm, ["score-shard"], (_, _) => { });

        var run = await FinishedAsync(id);

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        var shards = await ShouldBeLikeAloneAsync();
        shards.Select(s => s.RunId).Distinct().Count().ShouldBeGreaterThan(1);
        (await Queue.ListAsync(world.Campaign.Id, "score-shard", 2, cancellationToken: Cancel)).ShouldAllBe(r => r.State == JobStates.Succeeded || r.State == JobStates.Running);
    }

    [Fact]
    public async Task What_a_run_was_writing_when_it_lost_its_lease_is_written_by_another_and_only_once()
    {
        var id = await AskAsync("lost lease");
        var lost = 0;
        var loser = (RunId: 0L, Fence: 0L, At: DateTimeOffset.MinValue);
        var second = new TaskCompletionSource();
        await using var planner = await FaultyWorker.StartAsync(world.Pimm, ["score"], (_, point) =>
        {
            if (point == "score.planned") second.Task.Wait(TimeSpan.FromSeconds(20), Cancel).ShouldBeTrue();
        });
        await using var assistant = await FaultyWorker.StartAsync(world.Pimm, ["score-shard"], (run, point) =>
        {
            // Rows copied, not committed: somebody else has the run from here on.
            if (point == "score.shard-copied" && Interlocked.Exchange(ref lost, 1) == 0)
            {
                // It waits for whoever just finishes a shard under the old one.
                Execute($"update job_run set fence = fence + 1 where id = {run.RunId}");
                loser = (run.RunId, run.Fence, TimeProvider.System.GetUtcNow());
                second.SetResult();
            }
        });

        var run = await FinishedAsync(id);

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        lost.ShouldBe(1);
        // By the planner, or by another of its assistants, which the same worker may have taken next.
        // It writes two shards at a time, and may have finished others just before.
        (await ShouldBeLikeAloneAsync()).Where(s => (s.RunId, s.Fence) == (loser.RunId, loser.Fence)).ShouldAllBe(s => s.FinishedAt <= loser.At);
    }

    [Fact]
    public async Task A_shard_of_a_worker_that_fell_silent_is_waited_for_no_longer_than_its_lease()
    {
        var id = await AskAsync("silent");
        await using var leases = new WorkerLeases(Microsoft.Extensions.Options.Options.Create(world.Pimm.Database.Options), Microsoft.Extensions.Options.Options.Create(QueueWorld.Quick()));
        ClaimedRun? silent = null;
        await using var planner = await FaultyWorker.StartAsync(world.Pimm, ["score"], (run, point) =>
        {
            if (point == "score.planned")
            {
                silent = leases.Store.ClaimAsync(["score-shard"], "silent", QueueWorld.Quick(), Cancel).GetAwaiter().GetResult();
                Execute($"update score_shard h set run_id = {silent!.Id}, fence = {silent.Fence} from scoring s where s.id = h.scoring_id and s.run_id = {run.RunId} and h.shard = 3");
            }
        });

        var run = await FinishedAsync(id);

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        var shards = await ShouldBeLikeAloneAsync();
        shards.ShouldAllBe(s => s.RunId == id);
        // The others were done long before: it was taken last, when the lease of 4 s was over.
        shards.OrderBy(s => s.FinishedAt).Last().Shard.ShouldBe(3);
        (run.FinishedAt!.Value - run.StartedAt!.Value).TotalSeconds.ShouldBeGreaterThan(3.5);
    }

    [Fact]
    public async Task A_shard_that_a_frozen_worker_holds_inside_its_copy_is_taken_from_it_when_its_lease_is_over()
    {
        var id = await AskAsync("frozen");
        await using var leases = new WorkerLeases(Microsoft.Extensions.Options.Options.Create(world.Pimm.Database.Options), Microsoft.Extensions.Options.Options.Create(QueueWorld.Quick()));
        await using var frozen = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        NpgsqlBinaryImporter? copy = null;
        await using var planner = await FaultyWorker.StartAsync(world.Pimm, ["score"], (run, point) =>
        {
            if (point == "score.planned")
            {
                var silent = leases.Store.ClaimAsync(["score-shard"], "frozen", QueueWorld.Quick(), Cancel).GetAwaiter().GetResult()!;
                Execute($"update score_shard h set run_id = {silent.Id}, fence = {silent.Fence} from scoring s where s.id = h.scoring_id and s.run_id = {run.RunId} and h.shard = 3");
                frozen.Execute($"begin; select mark_attempt({silent.Id}, {silent.Fence}); select from score_shard h join scoring s on s.id = h.scoring_id where s.run_id = {run.RunId} and h.shard = 3 for update of h; set statement_timeout = 0");
                // Rows that are on their way for ever.
                copy = frozen.BeginBinaryImport("copy score (customer, scoring_id, control_score, treatment_score) from stdin (format binary)");
            }
        });

        var run = await FinishedAsync(id);

        (run.State, run.Attempt).ShouldBe((JobStates.Succeeded, 1), run.Error);
        (await ShouldBeLikeAloneAsync()).ShouldAllBe(s => s.RunId == id);
        Should.Throw<NpgsqlException>(() => copy!.Complete());
    }

    [Fact]
    public async Task A_run_tried_again_goes_on_with_its_own_plan_and_scores_nothing_twice()
    {
        var id = await AskAsync("tried again");
        var done = 0;
        await using var planner = await FaultyWorker.StartAsync(world.Pimm, ["score"], (run, point) =>
        {
            if (point == "score.shard-done" && ++done == 5) throw new InvalidOperationException("broken after five shards");
            if (point == "score.finishing" && run.Attempt == 2) throw new InvalidOperationException("broken before the end");
        });

        var run = await FinishedAsync(id);

        (run.State, run.Attempt).ShouldBe((JobStates.Succeeded, 3));
        done.ShouldBe(ShardedCampaign.Shards);
        var shards = await ShouldBeLikeAloneAsync();
        shards.Select(s => s.Fence).Distinct().ShouldBe([1L, 2L], ignoreOrder: true);
        // Two are written at once: one more may be on its way when the fifth breaks, and another follow it before that is noticed.
        shards.Count(s => s.Fence == 1).ShouldBeInRange(5, 7);
        (await CountAsync($"select count(*) from scoring where run_id = {id}")).ShouldBe(1);
    }

    [Fact]
    public async Task A_scoring_that_was_given_up_is_seen_by_nobody_and_the_next_one_takes_it_away()
    {
        var before = (await world.Scorings.NewestAsync(world.Campaign.Id, Cancel))!;
        var stage = (await world.Pimm.Service<CampaignStore>().StagesAsync(world.Campaign.Id, Cancel)).Single(s => s.Stage == "Scoring");
        var id = await AskAsync("given up");
        var done = 0;
        var planner = await FaultyWorker.StartAsync(world.Pimm, ["score"], (_, point) =>
        {
            if (point == "score.shard-done" && ++done == 3) throw new Core.InputException("Stopped for a test: nothing to do.");
        });
        (await FinishedAsync(id)).State.ShouldBe(JobStates.Failed);
        await planner.DisposeAsync();
        (await CountAsync($"select count(*) from score where scoring_id in (select id from scoring where run_id = {id})")).ShouldBeGreaterThan(0);

        (await world.Scorings.NewestAsync(world.Campaign.Id, Cancel))!.Id.ShouldBe(before.Id);
        (await world.Pimm.Service<CampaignStore>().StagesAsync(world.Campaign.Id, Cancel)).Single(s => s.Stage == "Scoring").DoneAt.ShouldBe(stage.DoneAt);
        await using (await FaultyWorker.StartAsync(world.Pimm, ["score-shard"], (_, _) => { }))
        {
            var assistants = (await Queue.ListAsync(world.Campaign.Id, "score-shard", cancellationToken: Cancel)).Where(r => r.Arguments.Contains($"\"runId\": {id}")).ToList();
            assistants.Count.ShouldBe(2);
            foreach (var assistant in assistants)
                (await FinishedAsync(assistant.Id)).Result!.ShouldContain("\"shards\": 0");
        }

        await using var next = await FaultyWorker.StartAsync(world.Pimm, ["score"], (_, _) => { });
        (await FinishedAsync(await AskAsync("after it was given up"))).State.ShouldBe(JobStates.Succeeded);
        (await CountAsync($"select count(*) from scoring where run_id = {id}")).ShouldBe(0);
        (await CountAsync("select count(*) from score s where not exists (select from scoring g where g.id = s.scoring_id and g.finished_at is not null)")).ShouldBe(0);
        await ShouldBeLikeAloneAsync();
    }

    [Fact]
    public async Task A_scoring_tried_again_when_there_are_newer_customers_is_planned_anew()
    {
        var id = await AskAsync("planned anew");
        await using (await FaultyWorker.StartAsync(world.Pimm, ["score"], (_, point) =>
        {
            if (point == "score.shard-done") throw new Core.InputException("Stopped for a test: nothing to do.");
        }))
            (await FinishedAsync(id)).State.ShouldBe(JobStates.Failed);
        var old = await CountAsync($"select id from scoring where run_id = {id}");
        await using var owner = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        await owner.ExecuteAsync($"update scoring set audience_version = 0 where id = {old}");

        await Queue.RetryAsync(id, Cancel);
        await using var planner = await FaultyWorker.StartAsync(world.Pimm, ["score"], (_, _) => { });
        var run = await FinishedAsync(id);

        (run.State, run.Attempt).ShouldBe((JobStates.Succeeded, 1), run.Error);
        (await CountAsync($"select count(*) from scoring where id = {old}")).ShouldBe(0);
        await ShouldBeLikeAloneAsync();
        (await Queue.ListLogAsync(id, cancellationToken: Cancel)).ShouldContain(line => line.Message.EndsWith("it is planned anew."));
    }

    private sealed record ShardRow(int Shard, long RunId, long Fence, DateTimeOffset FinishedAt, byte[] Checksum, long Scored);

    private async Task<List<ShardRow>> ShouldBeLikeAloneAsync()
    {
        var scoring = (await world.Scorings.NewestAsync(world.Campaign.Id, Cancel))!;
        scoring.Id.ShouldNotBe(world.AloneScoring.Id);
        (scoring.Customers, scoring.Exclusions).ShouldBe((world.AloneScoring.Customers, world.AloneScoring.Exclusions));
        (await world.Scorings.ScoresAsync(scoring.Id, Cancel)).ShouldBe(world.Alone);
        var shards = await ShardsAsync(scoring.Id);
        shards.Sum(s => s.Scored).ShouldBe(scoring.Customers);
        shards.Select(s => Convert.ToHexString(s.Checksum)).ShouldBe((await ShardsAsync(world.AloneScoring.Id)).Select(s => Convert.ToHexString(s.Checksum)));
        return shards;
    }

    private Task<long> AskAsync(string key) => Queue.EnqueueAsync(new JobRequest(ScoreCampaign.JobKind, key, new { }, world.Campaign.Id), Cancel);

    private async Task<JobRun> FinishedAsync(long id)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await Queue.WaitAsync(id, limit.Token);
    }

    private async Task<List<ShardRow>> ShardsAsync(long scoring)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return [.. await connection.QueryAsync<ShardRow>("select shard, run_id, fence, finished_at, checksum, scored from score_shard where scoring_id = @scoring order by shard", new { scoring })];
    }

    private Task<bool> DoneByOthersAsync(long runId) =>
        IsAsync($"select exists (select from score_shard h join scoring s on s.id = h.scoring_id where s.run_id = {runId} and h.run_id <> {runId} and h.finished_at is not null)");

    private static void Until(Func<Task<bool>> condition)
    {
        for (var tries = 0; !condition().GetAwaiter().GetResult(); tries++)
        {
            tries.ShouldBeLessThan(1_000);
            Thread.Sleep(20);
        }
    }

    private async Task<bool> IsAsync(string sql)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<bool>(sql);
    }

    private async Task<long> CountAsync(string sql)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<long>(sql);
    }

    private void Execute(string sql)
    {
        using var connection = world.Pimm.Database.DataSource.OpenConnection();
        connection.Execute(sql);
    }
}
