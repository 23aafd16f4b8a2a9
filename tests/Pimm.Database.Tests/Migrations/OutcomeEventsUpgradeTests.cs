using Dapper;
using Pimm.Core.Campaigns;
using Pimm.Core.Lift;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Migrations;

/// <summary>A database whose outcomes all came as files.</summary>
public sealed class OutcomeEventsUpgradeTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Outcomes_from_before_stay_and_count_and_the_log_has_partitions_to_begin_with()
    {
        await using var database = await OlderDatabase.UpgradedAsync("0024_outcome_events.sql", OldRows, Cancel);

        var campaign = await new CampaignStore(database.DataSource).GetAsync(1, Cancel);
        var outcomes = new CampaignOutcomeStore(database.DataSource);
        var back = await outcomes.OfCampaignAsync(campaign, campaign.ClosesAt, campaign.ClosesAt, Cancel);
        back.Amounts.Values.ShouldBe([7]);
        back.Delivered.Count.ShouldBe(1);
        (await outcomes.IntakeAsync(1, Cancel)).ShouldBe(new LiftIntake(1, 2));
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        (await connection.ExecuteScalarAsync<long>("select count(*) from outcome_event where import_file_id is not null")).ShouldBe(2);
        (await connection.ExecuteScalarAsync<long>("select count(*) from pg_inherits where inhparent = 'outcome_received'::regclass")).ShouldBe(4);
    }

    private const string OldRows =
        """
        insert into import_file(audience_id, kind, file_name, sha256, received, created, updated, skipped, quarantined, imported_at)
        values (1, 'outcomes', 'o.csv', sha256('o'), 2, 2, 0, 0, 0, now());
        insert into outcome_event(source, event_id, import_file_id) values ('crm', 'e1', 1), ('crm', 'e2', 1);
        insert into customer_outcome(customer, audience_id, occurred_at, amount, source, event_id)
        values ('00000000-0000-0000-0000-000000000001', 1, '2026-03-05T00:00:00Z', 7, 'crm', 'e1');
        insert into delivery(customer, campaign_id, wave_date, delivered_at) values ('00000000-0000-0000-0000-000000000001', 1, '2026-03-02', '2026-03-02T09:00:00Z');
        """;
}
