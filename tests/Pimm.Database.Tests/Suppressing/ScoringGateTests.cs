using System.Text.Json;
using Dapper;
using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Core.Suppressing;
using Pimm.Database.Tests.KnownLift;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Suppressing;

/// <summary>Who is eligible of the small campaign's 6,000 customers.</summary>
public sealed class ScoringGateTests(SmallCampaign world) : IClassFixture<SmallCampaign>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_funnel_counts_who_did_not_agree_then_who_opted_out_and_later_words_change_no_count()
    {
        var all = await CustomersAsync();
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        // 4,000 agreed; of these 30 withdrew, 20 of the first 100 opted out of this channel, 10 of every one, 5 of another one.
        var consents = world.Pimm.Service<ConsentStore>();
        await consents.RecordAsync(connection, [.. all.Take(4_000).Select(customer => Consent(customer, granted: true, day: 0))]);
        await consents.RecordAsync(connection, [.. all.Skip(100).Take(30).Select(customer => Consent(customer, granted: false, day: 1))]);
        var store = world.Pimm.Service<SuppressionStore>();
        await store.AddAsync(connection, [.. all.Take(20).Select(customer => Entry(customer, "meta", SuppressionEntry.DoNotContact))]);
        await store.AddAsync(connection, [.. all.Skip(20).Take(10).Select(customer => Entry(customer, null, SuppressionEntry.Objection))]);
        await store.AddAsync(connection, [.. all.Skip(30).Take(5).Select(customer => Entry(customer, "tiktok", SuppressionEntry.DoNotContact))]);
        // Opted out and did not agree: counted at the first step that leaves them out.
        await store.AddAsync(connection, [.. all.Skip(5_000).Take(7).Select(customer => Entry(customer, null, SuppressionEntry.DoNotContact))]);

        var (steps, scored) = await ScoreAsync(world.Campaign with { Name = "agreed", Salt = "agreed", Channel = "meta", ConsentPurpose = "offers" });

        steps.ShouldBe([("audience", 6_000), ("traffic", 6_000), ("layer", 6_000), ("consented", 3_970), ("not suppressed", 3_940), ("contact limit", 3_940), ("eligible", 3_940)]);
        scored.ShouldBe([.. all.Skip(30).Take(70), .. all.Skip(130).Take(3_870)], ignoreOrder: true);
        var (without, _) = await ScoreAsync(world.Campaign with { Name = "nobody asked", Salt = "nobody asked" });
        without.Select(step => step.Customers).ShouldBe([6_000, 6_000, 6_000, 6_000, 5_983, 5_983, 5_983]);

        await store.AddAsync(connection, [.. all.Skip(200).Take(50).Select(customer => Entry(customer, null, SuppressionEntry.DoNotContact))]);
        var campaign = (await world.Pimm.Service<CampaignStore>().FindByNameAsync("agreed", Cancel))!;
        (await world.Pimm.Service<ScoringStore>().NewestAsync(campaign.Id, Cancel))!.Customers.ShouldBe(3_940);
        (await connection.ExecuteScalarAsync<long>("select count(*) from scoring_exclusion")).ShouldBe(0);
    }

    private static ConsentRecord Consent(Guid customer, bool granted, int day) => new(customer, "offers", "all", granted, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddDays(day), "form");

    private static SuppressionEntry Entry(Guid customer, string? channel, string reason) => new(SuppressionKey.Of(customer), channel, reason, "letter", "cli:ada");

    private async Task<IReadOnlyList<Guid>> CustomersAsync()
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return (await connection.QueryAsync<Guid>($"select customer from {world.Audience.CustomersTable} where version = 1 order by customer")).AsList();
    }

    private Task<JobRun> RunAsync(string kind, long campaignId) => world.Pimm.RunAsync(new JobRequest(kind, $"{kind} {campaignId}", new { }, campaignId), Cancel);

    private async Task<(IReadOnlyList<(string Step, long Customers)> Steps, IReadOnlyList<Guid> Customers)> ScoreAsync(Campaign campaign)
    {
        var id = await world.Pimm.Service<CampaignStore>().CreateAsync(campaign, Cancel);
        var run = await RunAsync(ScoreCampaign.JobKind, id);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        var scoring = (await world.Pimm.Service<ScoringStore>().NewestAsync(id, Cancel))!;
        var steps = JsonDocument.Parse(scoring.Exclusions).RootElement.EnumerateArray().Select(step => (step.GetProperty("step").GetString()!, step.GetProperty("customers").GetInt64()));
        return ([.. steps], [.. (await world.Pimm.Service<ScoringStore>().ScoresAsync(scoring.Id, Cancel)).Select(score => score.Customer)]);
    }
}
