using Dapper;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Suppressing;
using Pimm.Database.Tests.KnownLift;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Suppressing;

/// <summary>Where an opt-out is looked at besides scoring: training and judging, and last the export.</summary>
public sealed class GateTests(SmallCampaign world) : IClassFixture<SmallCampaign>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Models_do_not_learn_from_objectors_nor_judge_by_them_and_do_from_those_who_only_opted_out()
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        var customers = (await connection.QueryAsync<(Guid Customer, long Rows)>($"select customer, count(*) from {world.Audience.TrainingHistoryView} group by 1 order by 2 desc, 1 limit 2")).AsList();
        var (objector, optedOut) = (customers[0], customers[1]);
        var range = new HistoryRange(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        var (before, judgedBefore) = (await ReadAsync(Trained()), await ReadAsync(Judged(range)));

        var store = world.Pimm.Service<SuppressionStore>();
        await store.AddAsync(connection, [Entry(objector.Customer, null, SuppressionEntry.Objection), Entry(optedOut.Customer, null, SuppressionEntry.DoNotContact)]);
        var (after, judgedAfter) = (await ReadAsync(Trained()), await ReadAsync(Judged(range)));

        before.Count(customer => customer == objector.Customer).ShouldBe((int)objector.Rows);
        after.ShouldBe(before.Where(customer => customer != objector.Customer));
        after.ShouldContain(optedOut.Customer);
        judgedAfter.ShouldBe(judgedBefore.Where(customer => customer != objector.Customer));
    }

    [Fact]
    public async Task An_opt_out_between_allocation_and_export_stops_the_delivery_and_changes_no_count()
    {
        await using var owner = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        var campaign = world.Campaign with { Name = "late word", Salt = "late word", ImpressionsPerDay = 40 };
        var id = await world.Pimm.Service<CampaignStore>().CreateAsync(campaign, Cancel);
        (await RunAsync("score", id)).State.ShouldBe(JobStates.Succeeded);
        await world.Pimm.ApproveAsync(id, Cancel);
        (await RunAsync("allocate", id)).State.ShouldBe(JobStates.Succeeded);
        var planned = (await owner.QueryAsync<(Guid Customer, string Key)>(
            $"""
            select p.customer, c.customer_key from wave_plan p join {world.Audience.CustomersTable} c on c.customer = p.customer and c.version = 1
             where p.campaign_id = @id and p.policy = p.arm and p.action = 1 and p.arm = 1 order by p.customer
            """, new { id })).AsList();
        var eligible = await owner.ExecuteScalarAsync<long>("select customers from scoring where campaign_id = @id", new { id });

        await world.Pimm.Service<OptOuts>().AddAsync(new OptOut(null, SuppressionEntry.DoNotContact, "hotline", "cli:ada"), "customer", [planned[0].Key], null, Cancel);
        await world.Pimm.Service<OptOuts>().AddAsync(new OptOut("generic-csv", SuppressionEntry.DoNotContact, "hotline", "cli:ada"), "customer", [planned[1].Key], null, Cancel);
        await world.Pimm.Service<OptOuts>().AddAsync(new OptOut("tiktok", SuppressionEntry.DoNotContact, "hotline", "cli:ada"), "customer", [planned[2].Key], null, Cancel);
        var run = await RunAsync("export", id);

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        var list = (await world.Pimm.Service<ExportStore>().ListsAsync(id, Cancel)).Single(one => one.Arm == 1);
        var written = await File.ReadAllTextAsync(Path.Combine(world.Pimm.Folder, "exports", list.FileName), Cancel);
        planned.Select(one => written.Contains(one.Key, StringComparison.Ordinal)).ShouldBe([false, false, .. Enumerable.Repeat(true, 38)]);
        (await owner.ExecuteScalarAsync<long>("select customers from scoring where campaign_id = @id", new { id })).ShouldBe(eligible);
        (await owner.ExecuteScalarAsync<int>("select impressions from wave where campaign_id = @id", new { id })).ShouldBe(40);
    }

    private static SuppressionEntry Entry(Guid customer, string? channel, string reason) => new(SuppressionKey.Of(customer), channel, reason, "letter", "cli:ada");

    private IAsyncEnumerable<AttributeBatch> Trained() => world.Pimm.Service<AudienceReader>().TrainingHistoryAsync(world.Audience, DateTimeOffset.UnixEpoch.AddYears(100), Cancel);

    private IAsyncEnumerable<AttributeBatch> Judged(HistoryRange range) => world.Pimm.Service<AudienceReader>().HistoryAsync(world.Audience, range, Cancel);

    private static async Task<IReadOnlyList<Guid>> ReadAsync(IAsyncEnumerable<AttributeBatch> batches)
    {
        var customers = new List<Guid>();
        await foreach (var batch in batches)
        {
            customers.AddRange(batch.Customers.Take(batch.Count));
        }
        return customers;
    }

    private Task<JobRun> RunAsync(string kind, long campaignId) => world.Pimm.RunAsync(new JobRequest(kind, $"{kind} {campaignId}", new { }, campaignId), Cancel);
}
