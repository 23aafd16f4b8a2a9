using Dapper;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Scoring;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Migrations;

/// <summary>A database whose scorings and files were made before they could be unfinished.</summary>
public sealed class ShardsUpgradeTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Files_history_and_scorings_from_before_are_finished_and_the_application_still_reads_them()
    {
        await using var database = await OlderDatabase.UpgradedAsync("0017_shards.sql", OldRows, Cancel);

        (await new ScoringStore(database.DataSource).NewestAsync(1, Cancel))!.Customers.ShouldBe(1);
        (await new ImportStore(database.DataSource, TimeProvider.System).FilesAsync(1, Cancel)).Select(f => f.Received).ShouldBe([1, 2]);
        (await new CampaignStore(database.DataSource).StagesAsync(1, Cancel)).Single(s => s.Stage == "Scoring").State.ShouldBe("done");
        var audience = await new AudienceStore(database.DataSource, TimeProvider.System).GetAsync(1, Cancel);
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        (await connection.QueryAsync<double>($"select age from {audience.TrainingHistoryView} order by age")).ShouldBe([30, 31]);

        await connection.ExecuteAsync("update import_file set state = 'reading' where kind = 'history'");
        (await connection.ExecuteScalarAsync<long>($"select count(*) from {audience.TrainingHistoryView}")).ShouldBe(0);
    }

    private const string OldRows =
        """
        insert into import_file(audience_id, kind, file_name, sha256, received, created, updated, skipped, quarantined, imported_at) values
            (1, 'history', 'h.csv', sha256('h'), 2, 2, 0, 0, 0, now()), (1, 'customers', 'c.csv', sha256('c'), 1, 1, 0, 0, 0, now());
        insert into audience.history_1(customer, impression_at, import_file_id, stage, targeted, age) values
            (gen_random_uuid(), '2026-01-01', 1, 0, true, 30), (gen_random_uuid(), '2026-01-02', 1, 1, true, 31);
        insert into audience_version(audience_id, version, import_file_id, customers, created_at) values (1, 1, 2, 1, now());
        insert into scoring(campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions, finished_at) values (1, 1, 1, 2, 1, '[]', now());
        """;
}
