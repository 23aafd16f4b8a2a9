using Dapper;
using Npgsql;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Database;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Migrations;

/// <summary>A database that had campaigns before there were covariates, layers and contact limits.</summary>
public sealed class SplittingUpgradeTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Campaigns_and_splits_from_before_stay_as_they_were_and_get_the_defaults()
    {
        await using var database = await OlderDatabase.UpgradedAsync("0013_splitting.sql", OldRows, Cancel);

        var campaign = await new CampaignStore(database.DataSource).GetAsync(1, Cancel);
        campaign.Covariates.ShouldBe([Campaign.ControlScore]);
        (campaign.TrafficShare, campaign.Layer, campaign.ContactLimit, campaign.CopyOf).ShouldBe((1, null, null, null));
        campaign.Validated();
        var allocation = (await new AllocationStore(database.DataSource, TimeProvider.System).FindAsync(1, Cancel))!;
        var balance = SplitBalance.FromJson(allocation.Balance);
        (balance.ControlScore, balance.TreatmentScore, balance.Imbalance, balance.Attributes).ShouldBe((0.5, 0.25, null, null));
        // Rights that the product had before are taken from it.
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        foreach (var forbidden in new[] { "delete from assignment", "delete from allocation", "delete from stray_delivery", "update stray_delivery set wave_date = now()" })
            (await Should.ThrowAsync<PostgresException>(() => connection.ExecuteAsync(forbidden), forbidden)).SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege, forbidden);
    }

    private const string OldRows =
        """
        insert into scoring(campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions, finished_at)
        values (1, 1, 1, 2, 1, '[{"step": "audience", "customers": 1}, {"step": "eligible", "customers": 1}]', now());
        insert into allocation(campaign_id, scoring_id, method, winner, imbalances, balance, control_customers, treatment_customers, allocated_at)
        values (1, 1, 'best-of', 0, '{0.1}', '{"controlScore": 0.5, "treatmentScore": 0.25, "imbalance": null}', 1, 0, now());
        insert into assignment(customer, campaign_id, arm, flagged) values ('00000000-0000-0000-0000-000000000001', 1, 0, false);
        """;
}
