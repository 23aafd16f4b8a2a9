using Dapper;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Database.Tests.KnownLift;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Outcomes;

/// <summary>Mistake 5: customers who saw what their arm does not show are counted as if they had not, or twice.</summary>
public sealed class DeliveryAnomaliesTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Deliveries_to_customers_who_were_not_exported_are_left_out_and_counted_by_arm()
    {
        await using var world = new SmallCampaign();
        await world.InitializeAsync();
        var campaign = world.Campaign;
        var plans = await world.Pimm.Service<AllocationStore>().PlansAsync(campaign.Id, Cancel);
        var assignments = await world.Pimm.Service<AllocationStore>().AssignmentsAsync(campaign.Id, Cancel);
        var exported = plans.Where(p => p.Policy == p.Arm && p.Action == 1).ToList();
        var reached = exported.Select(p => p.Customer).ToHashSet();
        List<Guid> control = [.. assignments.Where(a => a.Arm == 0 && !reached.Contains(a.Customer)).Take(3).Select(a => a.Customer)];
        List<Guid> treatment = [.. assignments.Where(a => a.Arm == 1 && a.Flagged).Take(2).Select(a => a.Customer)];
        var otherWave = exported.First(p => p.Arm == 1 && p.WaveDate == campaign.StartsOn);
        var before = await world.Pimm.Service<DeliveryAnomalyStore>().OfCampaignAsync(campaign.Id, Cancel);
        before.ShouldBe(new DeliveryAnomalies(0, 0, 0, 0, 0, 0, 0));

        List<(Guid Customer, DateOnly Wave)> strays = [.. control.Concat(treatment).Select(c => (c, campaign.StartsOn)), (otherWave.Customer, campaign.StartsOn.AddDays(1))];
        var rows = new List<string>();
        foreach (var (customer, wave) in strays)
        {
            rows.Add($"s{rows.Count},delivered,{await KeyAsync(world, customer)},{campaign.Id},{wave:yyyy-MM-dd},,2026-03-05T00:00:00Z,");
        }
        rows.Add($"s{rows.Count},delivered,nobody-knows,{campaign.Id},{campaign.StartsOn:yyyy-MM-dd},,2026-03-05T00:00:00Z,");
        rows.Add($"s{rows.Count},delivered,{await KeyAsync(world, control[0])},987654,{campaign.StartsOn:yyyy-MM-dd},,2026-03-05T00:00:00Z,");
        await ImportAsync(world, "strays", rows);
        await ImportAsync(world, "strays again", [.. rows.Select(r => "again-" + r)]);

        var after = await world.Pimm.Service<DeliveryAnomalyStore>().OfCampaignAsync(campaign.Id, Cancel);
        after.ShouldBe(new DeliveryAnomalies(NotExportedControl: 3, NotExportedTreatment: 3, NotEligible: 1, 0, 0, 0, 0));
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        (await connection.ExecuteScalarAsync<long>("select count(*) from delivery")).ShouldBe(exported.Count);
    }

    [Fact]
    public async Task A_file_with_too_many_strays_leaves_none_behind()
    {
        await using var world = new SmallCampaign();
        await world.InitializeAsync();
        var held = (await world.Pimm.Service<AllocationStore>().AssignmentsAsync(world.Campaign.Id, Cancel)).First(a => a.Flagged).Customer;
        var path = world.Pimm.Write("strays.csv", $"{Header}\ns1,delivered,{await KeyAsync(world, held)},{world.Campaign.Id},{world.Campaign.StartsOn:yyyy-MM-dd},,2026-03-05T00:00:00Z,\n");

        var run = await world.Pimm.RunAsync(new JobRequest(ImportOutcomes.JobKind, "strays", new OutcomesRequest(world.Audience.Id, path, "channel")), Cancel);

        run.State.ShouldBe(JobStates.Failed);
        (await world.Pimm.Service<DeliveryAnomalyStore>().OfCampaignAsync(world.Campaign.Id, Cancel)).NotExportedTreatment.ShouldBe(0);
    }

    [Fact]
    public async Task A_customer_in_both_arms_of_two_campaigns_at_once_is_counted_and_named()
    {
        await using var world = new SmallCampaign();
        await world.InitializeAsync();
        var other = await RestartAsync(world, "at the same time", daysLater: 1);
        var later = await RestartAsync(world, "afterwards", daysLater: 60);
        var allocations = world.Pimm.Service<AllocationStore>();
        var (first, second) = (await ArmsAsync(world.Campaign), await ArmsAsync(other));
        var delivered = (await allocations.PlansAsync(other.Id, Cancel)).Where(p => p.Policy == p.Arm && p.Action == 1).Select(p => p.Customer).ToList();
        var (plannedHere, plannedThere) = (await PlannedAsync(world.Campaign), await PlannedAsync(other));
        var left = plannedHere.Intersect(plannedThere).Where(c => first[c] != second[c]).ToList();

        var found = await world.Pimm.Service<DeliveryAnomalyStore>().OfCampaignAsync(world.Campaign.Id, Cancel);

        left.Count.ShouldBeGreaterThan(0);
        // By the other campaign's deliveries alone: nothing that happened here decides who is counted, so the arms are alike.
        (found.OtherCampaignControl, found.OtherCampaignTreatment).ShouldBe((delivered.Count(c => first[c] == 0), delivered.Count(c => first[c] == 1)));
        (found.BothArmsControl, found.BothArmsTreatment).ShouldBe(
            (delivered.Count(c => first[c] == 0 && second[c] == 1), delivered.Count(c => first[c] == 1 && second[c] == 0)));
        (await world.Pimm.Service<DeliveryAnomalyStore>().InBothArmsAsync(world.Campaign.Id, Cancel)).ShouldBe(left, ignoreOrder: true);
        (await world.Pimm.Service<DeliveryAnomalyStore>().InBothArmsAsync(later.Id, Cancel)).ShouldBeEmpty();

        async Task<Dictionary<Guid, byte>> ArmsAsync(Campaign campaign) => (await allocations.AssignmentsAsync(campaign.Id, Cancel)).ToDictionary(a => a.Customer, a => a.Arm);
        async Task<HashSet<Guid>> PlannedAsync(Campaign campaign) => [.. (await allocations.PlansAsync(campaign.Id, Cancel)).Where(p => p.Action == 1).Select(p => p.Customer)];
    }

    private const string Header = "event_id,kind,customer,campaign,wave,stage,occurred_at,amount";

    /// <summary>The same campaign again with all three waves, everything exported delivered.</summary>
    private static async Task<Campaign> RestartAsync(SmallCampaign world, string name, int daysLater)
    {
        var campaigns = world.Pimm.Service<CampaignStore>();
        var copy = world.Campaign.Copy(name, world.Campaign.StartsOn.AddDays(daysLater), name, "tests", DateTimeOffset.UnixEpoch);
        copy = await campaigns.GetAsync(await campaigns.CreateAsync(copy, Cancel), Cancel);
        await world.Pimm.ApproveAsync(copy.Id, Cancel);
        foreach (var (kind, key) in new[] { (ScoreCampaign.JobKind, ""), (AllocateWave.JobKind, "1"), (AllocateWave.JobKind, "2"), (AllocateWave.JobKind, "3") })
        {
            var date = key == "" ? (DateOnly?)null : copy.StartsOn.AddDays(key[0] - '1');
            var run = await world.Pimm.RunAsync(new JobRequest(kind, name + key, new { }, copy.Id, date), Cancel);
            run.State.ShouldBe(JobStates.Succeeded, run.Error);
        }
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync(
            "insert into delivery select customer, campaign_id, wave_date, now() from wave_plan where campaign_id = @Id and policy = arm and action = 1", new { copy.Id });
        return copy;
    }

    private static async Task ImportAsync(SmallCampaign world, string key, IEnumerable<string> rows)
    {
        var path = world.Pimm.Write($"{key}.csv", string.Join('\n', [Header, .. rows]) + "\n");
        var run = await world.Pimm.RunAsync(new JobRequest(ImportOutcomes.JobKind, key, new OutcomesRequest(world.Audience.Id, path, "channel", AcceptBadShare: 1)), Cancel);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
    }

    private static async Task<string> KeyAsync(SmallCampaign world, Guid customer)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return (await connection.ExecuteScalarAsync<string>($"select customer_key from {world.Audience.CustomersTable} where customer = @customer", new { customer }))!;
    }
}
