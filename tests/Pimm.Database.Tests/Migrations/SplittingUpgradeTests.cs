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
public sealed class SplittingUpgradeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pimm-upgrade-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Campaigns_and_splits_from_before_stay_as_they_were_and_get_the_defaults()
    {
        await using var database = await TestDatabase.EmptyAsync();
        foreach (var file in Directory.GetFiles(Migrator.DefaultFolder, "*.sql").Where(f => string.CompareOrdinal(Path.GetFileName(f), "0013") < 0))
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        await Migrator.RunAsync(database.Owner, _folder, database.Options.AppRole, Cancel);
        await using (var app = await database.DataSource.OpenConnectionAsync(Cancel))
            await app.ExecuteAsync(OldCampaign);

        (await Migrator.RunAsync(database.Owner, Migrator.DefaultFolder, database.Options.AppRole, Cancel)).Applied.ShouldContain("0013_splitting.sql");

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

    private const string OldCampaign =
        """
        select create_audience('savers', 'id', '[{"name": "age", "kind": "number"}]', '{click}', false, now());
        insert into model_line(audience_id, name, network, created_at) values (1, 'a', 'random', now()), (1, 'b', 'pimm', now());
        insert into model_version(model_line_id, version, seed, description, training_rows, trained_at) values (1, 1, 1, '{}', 0, now()), (2, 1, 1, '{}', 0, now());
        insert into campaign(name, audience_id, control_line_id, treatment_line_id, time_zone, starts_on, days, window_days, impressions_per_day,
                             holdback_share, exploration_share, split_method, split_candidates, salt, created_by, created_at)
        values ('old', 1, 1, 2, 'Asia/Shanghai', '2026-03-02', 5, 30, 100, 0.1, 0.05, 'best-of', 100, 'old', 'me', now());
        insert into scoring(campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions, finished_at)
        values (1, 1, 1, 2, 1, '[{"step": "audience", "customers": 1}, {"step": "eligible", "customers": 1}]', now());
        insert into allocation(campaign_id, scoring_id, method, winner, imbalances, balance, control_customers, treatment_customers, allocated_at)
        values (1, 1, 'best-of', 0, '{0.1}', '{"controlScore": 0.5, "treatmentScore": 0.25, "imbalance": null}', 1, 0, now());
        insert into assignment(customer, campaign_id, arm, flagged) values ('00000000-0000-0000-0000-000000000001', 1, 0, false);
        """;

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
