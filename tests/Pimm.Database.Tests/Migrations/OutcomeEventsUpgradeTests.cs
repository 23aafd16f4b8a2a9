using Dapper;
using Pimm.Core;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
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

    [Fact]
    public async Task Files_from_before_the_log_are_not_undone_and_keep_what_another_file_says_too()
    {
        await using var database = await OlderDatabase.UpgradedAsync("0024_outcome_events.sql", OldRows, Cancel);
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync(NewFile);
        var undo = new UndoImport(database.DataSource, new ImportStore(database.DataSource, TimeProvider.System), TimeProvider.System);

        (await Should.ThrowAsync<InputException>(() => undo.RunAsync(1, "user:ada", Cancel))).Message.ShouldContain("before events were logged");
        var undone = await undo.RunAsync(2, "user:ada", Cancel);

        undone.Removed.ShouldBe(new Dictionary<string, long> { ["events"] = 1, ["customerOutcomes"] = 0, ["deliveries"] = 0, ["labels"] = 0 }, ignoreOrder: true);
        undone.Sentences.ShouldHaveSingleItem().ShouldContain("import 1 (o.csv)");
        (await connection.ExecuteScalarAsync<long>("select count(*) from delivery")).ShouldBe(1);
    }

    private const string NewFile =
        """
        insert into import_file(audience_id, kind, file_name, sha256, received, created, updated, skipped, quarantined, imported_at)
        values (1, 'outcomes', 'n.csv', sha256('n'), 1, 1, 0, 0, 0, now());
        insert into outcome_event(source, event_id, import_file_id) values ('channel', 'e1', 2);
        insert into outcome_received(received_at, source, event_id, weak, kind, customer, audience_id, campaign_id, wave_date, occurred_at, void, import_file_id)
        values (now(), 'channel', 'e1', false, 1, '00000000-0000-0000-0000-000000000001', 1, 1, '2026-03-02', '2026-03-02T09:00:00Z', false, 2);
        """;

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
