using Dapper;
using Pimm.Core.Lift;
using Pimm.Core.Queueing;
using Pimm.Database.Tests.KnownLift;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Lift;

/// <summary>A campaign of its own a test: these alter what came back.</summary>
public sealed class MeasureLiftTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_a_feed_of_customer_outcomes_only_delivered_lift_is_shown_and_says_why()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        await world.ExecuteAsync("delete from customer_outcome");

        var report = await world.MeasureAsync("no feed");

        report.Verdict.ShouldBeNull();
        report.Number(LiftKeys.Extra).Estimate.ShouldBeNull();
        report.Number(LiftKeys.Extra).Note.ShouldNotBeNullOrEmpty();
        report.Number(LiftKeys.DeliveredLift).Estimate.ShouldNotBeNull();
    }

    [Fact]
    public async Task Arms_that_somebody_altered_turn_the_verdict_off()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        // Behind the trigger's back, as an owner can: delete and insert.
        await world.ExecuteAsync(
            """
            with gone as (delete from assignment where customer in (
                select customer from assignment a where not exists (select from wave_plan p where p.customer = a.customer) order by customer limit 7) returning *)
            insert into assignment select customer, campaign_id, 1 - arm, flagged from gone
            """);

        var report = await world.MeasureAsync("altered");

        report.Verdict!.Status.ShouldBe("off");
        report.Checks.Single(c => c.Name == "arms changed").Sentence.ShouldStartWith("7 customers' stored arms");
    }

    private sealed class OwnCampaign : IAsyncDisposable
    {
        private readonly SmallCampaign _small = new();

        public ValueTask InitializeAsync() => _small.InitializeAsync();

        public async Task ExecuteAsync(string sql)
        {
            await using var connection = await _small.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
            (await connection.ExecuteAsync(sql)).ShouldBeGreaterThan(0);
        }

        public async Task<LiftReport> MeasureAsync(string key)
        {
            var run = await _small.Pimm.RunAsync(new JobRequest(MeasureLift.JobKind, key, new { }, _small.Campaign.Id), Cancel);
            run.State.ShouldBe(JobStates.Succeeded, run.Error);
            return LiftReport.FromJson((await _small.Pimm.Service<LiftStore>().NewestAsync(_small.Campaign.Id, Cancel))!.Report);
        }

        public ValueTask DisposeAsync() => _small.DisposeAsync();
    }
}
