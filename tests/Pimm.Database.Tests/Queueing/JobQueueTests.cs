using Dapper;
using Pimm.Core;
using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Queueing;

public sealed class JobQueueTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_request_becomes_a_queued_run_with_everything_it_says()
    {
        await using var world = await QueueWorld.CreateAsync();

        var id = await world.Queue.EnqueueAsync(new JobRequest("score", "7", new { Seed = 5, Model = "pimm" }, CampaignId: 7,
            LogicalDate: new DateOnly(2026, 3, 4), MaxAttempts: 2, MaxDuration: TimeSpan.FromHours(26), Requires: ["gpu", "large"]), Cancel);

        var run = await world.Queue.GetAsync(id, Cancel);
        run.ShouldSatisfyAllConditions(
            () => run.State.ShouldBe(JobStates.Queued),
            () => run.Arguments.ShouldBe("""{"seed": 5, "model": "pimm"}"""),
            () => run.CampaignId.ShouldBe(7),
            () => run.LogicalDate.ShouldBe(new DateOnly(2026, 3, 4)),
            () => run.MaxAttempts.ShouldBe(2),
            () => run.MaxDuration.ShouldBe(TimeSpan.FromHours(26)),
            () => run.Requires.ShouldBe(["gpu", "large"]),
            () => run.Attempt.ShouldBe(0));
    }

    [Fact]
    public async Task The_same_kind_and_key_is_the_same_run_even_when_asked_for_at_once()
    {
        await using var world = await QueueWorld.CreateAsync();

        var ids = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => world.AskAsync("once")));

        ids.Distinct().Count().ShouldBe(1);
        (await world.AskAsync("other")).ShouldNotBe(ids[0]);
    }

    [Fact]
    public async Task A_run_asked_for_in_a_transaction_exists_only_when_that_commits()
    {
        await using var world = await QueueWorld.CreateAsync();

        await using (var connection = await world.Database.DataSource.OpenConnectionAsync(Cancel))
        {
            await using var transaction = await connection.BeginTransactionAsync(Cancel);
            await world.Queue.EnqueueAsync(new JobRequest("job", "taken back", new { }), connection);
        }

        (await world.Queue.ListAsync(cancellationToken: Cancel)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("", "key", 3)]
    [InlineData("job", " ", 3)]
    [InlineData("job", "key", 0)]
    public async Task A_request_that_makes_no_sense_is_refused(string kind, string key, int attempts)
    {
        await using var world = await QueueWorld.CreateAsync();

        await Should.ThrowAsync<InputException>(() => world.Queue.EnqueueAsync(new JobRequest(kind, key, new { }, MaxAttempts: attempts), Cancel));
    }

    [Fact]
    public async Task Lists_are_the_newest_first_and_by_campaign_or_kind()
    {
        await using var world = await QueueWorld.CreateAsync();
        var first = await world.Queue.EnqueueAsync(new JobRequest("score", "1", new { }, CampaignId: 1), Cancel);
        var second = await world.Queue.EnqueueAsync(new JobRequest("export", "1", new { }, CampaignId: 1), Cancel);
        var third = await world.Queue.EnqueueAsync(new JobRequest("score", "2", new { }, CampaignId: 2), Cancel);

        (await world.Queue.ListAsync(cancellationToken: Cancel)).Select(run => run.Id).ShouldBe([third, second, first]);
        (await world.Queue.ListAsync(campaignId: 1, cancellationToken: Cancel)).Select(run => run.Id).ShouldBe([second, first]);
        (await world.Queue.ListAsync(kind: "score", limit: 1, cancellationToken: Cancel)).Select(run => run.Id).ShouldBe([third]);
    }

    [Fact]
    public async Task A_queued_run_is_cancelled_at_once_and_can_be_tried_again()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();

        (await world.Queue.RequestCancelAsync(id, Cancel)).State.ShouldBe(JobStates.Cancelled);
        (await world.ClaimSilentlyAsync()).ShouldBeNull();
        (await world.Queue.RetryAsync(id, Cancel)).State.ShouldBe(JobStates.Queued);
        (await world.ClaimSilentlyAsync())!.Id.ShouldBe(id);
    }

    [Fact]
    public async Task Only_a_failed_or_cancelled_run_can_be_tried_again()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();

        (await Should.ThrowAsync<InputException>(() => world.Queue.RetryAsync(id, Cancel))).Message.ShouldBe($"Run {id} is queued: only a failed or cancelled run can be tried again.");
        (await Should.ThrowAsync<InputException>(() => world.Queue.GetAsync(id + 1, Cancel))).Message.ShouldBe($"There is no run {id + 1}: see pimm runs list.");
    }

    [Fact]
    public async Task Every_change_notifies_with_the_run_s_id_and_a_heartbeat_alone_does_not()
    {
        await using var world = await QueueWorld.CreateAsync();
        await using var connection = await world.Database.DataSource.OpenConnectionAsync(Cancel);
        var told = new List<string>();
        connection.Notification += (_, notice) => told.Add(notice.Payload);
        await connection.ExecuteAsync("listen pimm_job");

        var id = await world.AskAsync();
        await world.ClaimSilentlyAsync();
        await world.ScalarAsync<int>($"update job_run set progress = 0.5 where id = {id}");
        await world.ScalarAsync<int>($"update job_run set heartbeat_at = clock_timestamp() where id = {id}");
        while (connection.Wait(500)) { }

        told.ShouldBe([$"{id}", $"{id}", $"{id}"]);
    }
}
