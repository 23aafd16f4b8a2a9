using Dapper;
using Npgsql;
using Pimm.Core.Allocating;
using Pimm.Core.Exporting;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Core.Statistics;
using Pimm.Database.Tests.KnownLift;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Allocating;

public sealed class AllocateWaveTests(SmallCampaign world) : IClassFixture<SmallCampaign>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private AllocationStore Allocations => world.Pimm.Service<AllocationStore>();

    [Fact]
    public async Task Every_wave_exports_the_same_number_in_both_arms_and_nobody_twice()
    {
        var waves = await Allocations.WavesAsync(world.Campaign.Id, Cancel);
        var own = (await Allocations.PlansAsync(world.Campaign.Id, Cancel)).Where(p => p.Policy == p.Arm).ToList();

        waves.Select(w => w.WaveDate).ShouldBe(world.Campaign.WaveDates);
        foreach (var wave in waves)
        {
            own.Count(p => p.WaveDate == wave.WaveDate && p.Arm == 0 && p.Action == 1).ShouldBe(world.Campaign.ImpressionsPerDay);
            own.Count(p => p.WaveDate == wave.WaveDate && p.Arm == 1 && p.Action == 1).ShouldBe(world.Campaign.ImpressionsPerDay);
            own.Count(p => p.WaveDate == wave.WaveDate && p.Exploration).ShouldBe(2 * wave.Exploration);
        }
        own.Select(p => p.Customer).Distinct().Count().ShouldBe(own.Count);
    }

    [Fact]
    public async Task Held_back_are_exactly_the_flagged_customers_that_the_walk_passed()
    {
        var assignments = (await Allocations.AssignmentsAsync(world.Campaign.Id, Cancel)).ToDictionary(a => a.Customer);
        var plans = await Allocations.PlansAsync(world.Campaign.Id, Cancel);
        var salt = SaltKey.From(world.Campaign.SaltFor("hold-back"));

        assignments.Values.ShouldAllBe(a => a.Flagged == CustomerHash.Share(CustomerHash.Salted(a.Customer, salt)) < world.Campaign.HoldbackShare);
        plans.ShouldAllBe(p => assignments[p.Customer].Flagged == (p.Action == 2));
        plans.Count(p => p.Action == 2).ShouldBeGreaterThan(0);
        plans.ShouldAllBe(p => assignments[p.Customer].Arm == p.Arm);
    }

    [Fact]
    public async Task The_stored_split_can_be_recomputed_from_the_frozen_scores()
    {
        var allocation = (await Allocations.FindAsync(world.Campaign.Id, Cancel))!;
        var scores = await world.Pimm.Service<ScoringStore>().ScoresAsync(allocation.ScoringId, Cancel);

        var again = CampaignSplit.Draw(world.Campaign, allocation.ScoringId, scores);

        again.Assignments.ShouldBe(await Allocations.AssignmentsAsync(world.Campaign.Id, Cancel));
        again.Allocation.Imbalances.ShouldBe(allocation.Imbalances);
        allocation.Imbalances.Length.ShouldBe(100);
        allocation.Imbalances[allocation.Winner].ShouldBe(allocation.Imbalances.Min());
        (allocation.ControlCustomers + allocation.TreatmentCustomers).ShouldBe(scores.Count);
    }

    [Fact]
    public async Task The_stored_waves_can_be_recomputed_from_the_rows_before_them()
    {
        var allocation = (await Allocations.FindAsync(world.Campaign.Id, Cancel))!;
        var scores = await world.Pimm.Service<ScoringStore>().ScoresAsync(allocation.ScoringId, Cancel);
        var assignments = await Allocations.AssignmentsAsync(world.Campaign.Id, Cancel);
        var plans = await Allocations.PlansAsync(world.Campaign.Id, Cancel);
        var last = world.Campaign.WaveDates.Last();

        var (_, rows) = CampaignWaves.Select(world.Campaign, allocation.ScoringId, last, scores, assignments, [.. plans.Where(p => p.WaveDate < last)]);

        rows.OrderBy(r => r.Customer).ThenBy(r => r.Policy).ShouldBe(plans.Where(p => p.WaveDate == last).OrderBy(r => r.Customer).ThenBy(r => r.Policy));
    }

    [Fact]
    public async Task An_assignment_cannot_be_changed_by_anybody()
    {
        await using var connection = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);

        var refused = await Should.ThrowAsync<PostgresException>(() => connection.ExecuteAsync(
            "update assignment set arm = 1 - arm where campaign_id = @Id", new { world.Campaign.Id }));

        refused.MessageText.ShouldBe("assignments are never changed: start a new campaign with a new salt");
    }

    [Fact]
    public async Task A_day_that_has_its_wave_is_not_selected_again()
    {
        var run = await world.Pimm.RunAsync(new JobRequest(AllocateWave.JobKind, "again", new { }, world.Campaign.Id, world.Campaign.StartsOn), Cancel);

        run.State.ShouldBe(JobStates.Failed);
        run.Error.ShouldBe($"Campaign \"{world.Campaign.Name}\" has a wave on {world.Campaign.WaveDates.Last():yyyy-MM-dd} already: waves are selected in order, each once.");
    }

    [Fact]
    public async Task Of_two_selections_of_different_days_at_once_the_later_to_finish_is_refused()
    {
        var campaign = world.Campaign with { Name = "race", Salt = "race", Days = 5 };
        campaign = campaign with { Id = await world.Pimm.Service<Pimm.Core.Campaigns.CampaignStore>().CreateAsync(campaign, Cancel) };
        var scored = await world.Pimm.RunAsync(new JobRequest(ScoreCampaign.JobKind, "race", new { }, campaign.Id), Cancel);
        scored.State.ShouldBe(JobStates.Succeeded, scored.Error);
        var scoring = (await world.Pimm.Service<ScoringStore>().NewestAsync(campaign.Id, Cancel))!;
        var scores = await world.Pimm.Service<ScoringStore>().ScoresAsync(scoring.Id, Cancel);
        var split = CampaignSplit.Draw(campaign, scoring.Id, scores);
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        await Allocations.AddSplitAsync(connection, split.Allocation, split.Assignments, scored.Id, Cancel);
        var plans = new[] { 0, 1 }.Select(day => CampaignWaves.Select(campaign, scoring.Id, campaign.StartsOn.AddDays(day), scores, split.Assignments, [])).ToList();

        await Allocations.AddWaveAsync(connection, plans[0].Wave, plans[0].Rows, expectedNewest: null, scored.Id, Cancel);
        var refused = await Should.ThrowAsync<Pimm.Core.InputException>(
            () => Allocations.AddWaveAsync(connection, plans[1].Wave, plans[1].Rows, expectedNewest: null, scored.Id, Cancel));

        refused.Message.ShouldBe($"Another run selected the wave of {campaign.StartsOn:yyyy-MM-dd} meanwhile: ask for the next one again.");
        (await Allocations.WavesAsync(campaign.Id, Cancel)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_scheduled_wave_whose_day_is_over_when_its_run_starts_is_not_selected_and_has_no_lists()
    {
        var today = world.Campaign.DateOf(TimeProvider.System.GetUtcNow());
        var campaign = world.Campaign with { Name = "missed", Salt = "missed", StartsOn = today.AddDays(-2), Days = 5 };
        campaign = campaign with { Id = await world.Pimm.Service<Pimm.Core.Campaigns.CampaignStore>().CreateAsync(campaign, Cancel) };
        await world.Pimm.ApproveAsync(campaign.Id, Cancel);

        var missed = await RunAsync(AllocateWave.JobKind, -1);
        missed.State.ShouldBe(JobStates.Succeeded);
        missed.Result!.ShouldContain($"nothing to do: {today.AddDays(-1):yyyy-MM-dd} is over in {campaign.TimeZone}");
        (await RunAsync(ExportWave.JobKind, -1)).Result!.ShouldContain("nothing to do");
        (await RunAsync(AllocateWave.JobKind, 0)).Error.ShouldBe("Campaign \"missed\" has no scores yet: score it first.");
        (await Allocations.WavesAsync(campaign.Id, Cancel)).ShouldBeEmpty();

        Task<JobRun> RunAsync(string kind, int day) => world.Pimm.RunAsync(
            new JobRequest(kind, $"missed {day}", new WaveRequest(OnItsDayOnly: true), campaign.Id, today.AddDays(day)), Cancel);
    }

    [Fact]
    public async Task A_day_outside_the_campaign_is_refused()
    {
        var run = await world.Pimm.RunAsync(new JobRequest(AllocateWave.JobKind, "late", new { }, world.Campaign.Id, world.Campaign.StartsOn.AddDays(99)), Cancel);

        run.State.ShouldBe(JobStates.Failed);
        run.Error!.ShouldContain("is no day of campaign");
    }
}
