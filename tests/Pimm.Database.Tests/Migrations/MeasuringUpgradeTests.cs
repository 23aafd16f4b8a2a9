using Dapper;
using Npgsql;
using Pimm.Core.Campaigns;
using Pimm.Core.Database;
using Pimm.Core.Lift;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Migrations;

/// <summary>A database that had lift reports before they were numbered versions.</summary>
public sealed class MeasuringUpgradeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pimm-upgrade-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reports_from_before_are_numbered_in_their_order_and_are_still_read()
    {
        await using var database = await TestDatabase.EmptyAsync();
        foreach (var file in Directory.GetFiles(Migrator.DefaultFolder, "*.sql").Where(f => string.CompareOrdinal(Path.GetFileName(f), "0014") < 0))
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        await Migrator.RunAsync(database.Owner, _folder, database.Options.AppRole, Cancel);
        await using (var app = await database.DataSource.OpenConnectionAsync(Cancel))
            await app.ExecuteAsync(OldReports);

        (await Migrator.RunAsync(database.Owner, Migrator.DefaultFolder, database.Options.AppRole, Cancel)).Applied.ShouldContain("0014_measuring.sql");

        var lifts = new LiftStore(database.DataSource, TimeProvider.System);
        (await lifts.VersionsAsync(1, Cancel)).Select(version => (version.Version, version.Verdict, version.ComputedBy)).ShouldBe([(1, null, null), (2, "off", null)]);
        var newest = (await lifts.NewestAsync(1, Cancel))!;
        (newest.Version, newest.Page).ShouldBe((2, null));
        LiftReportText.Render(LiftReport.FromJson(newest.Report)).ShouldContain("No verdict: a check failed.");
        LiftPortfolio.Of(await lifts.NewestOfAllAsync(Cancel)).ToText().ShouldContain("off");
        var campaign = await new CampaignStore(database.DataSource).GetAsync(1, Cancel);
        (campaign.Segments!.Length, campaign.GuardrailList().Count).ShouldBe((0, 0));
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        foreach (var forbidden in new[] { "delete from lift_report", "update lift_report set version = 7" })
            (await Should.ThrowAsync<PostgresException>(() => connection.ExecuteAsync(forbidden), forbidden)).SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege, forbidden);
    }

    [Theory]
    [InlineData("update scoring set customers = 0")]
    [InlineData("delete from scoring")]
    [InlineData("update score set control_score = 0")]
    [InlineData("delete from score")]
    [InlineData("update wave set impressions = 0")]
    [InlineData("delete from wave")]
    [InlineData("update wave_plan set action = 2")]
    [InlineData("delete from wave_plan")]
    public async Task The_application_cannot_alter_what_reports_rest_on(string forbidden)
    {
        await using var database = await TestDatabase.MigratedAsync();
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);

        (await Should.ThrowAsync<PostgresException>(() => connection.ExecuteAsync(forbidden))).SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
    }

    private const string OldReports =
        """
        select create_audience('savers', 'id', '[{"name": "age", "kind": "number"}]', '{click}', false, now());
        insert into model_line(audience_id, name, network, created_at) values (1, 'a', 'random', now()), (1, 'b', 'pimm', now());
        insert into model_version(model_line_id, version, seed, description, training_rows, trained_at) values (1, 1, 1, '{}', 0, now()), (2, 1, 1, '{}', 0, now());
        insert into campaign(name, audience_id, control_line_id, treatment_line_id, time_zone, starts_on, days, window_days, impressions_per_day,
                             holdback_share, exploration_share, split_method, split_candidates, salt, created_by, created_at)
        values ('old', 1, 1, 2, 'Asia/Shanghai', '2026-03-02', 5, 30, 100, 0.1, 0.05, 'best-of', 100, 'old', 'me', now());
        insert into lift_report(campaign_id, as_of, report, code_version, computed_at) values
            (1, now(), '{"campaign":"old","simulated":false,"asOf":"2026-03-05T00:00:00+00:00","confidence":0.95,"windows":{"closes":null,"closed":false,"waves":[]},"verdict":null,"checks":[],"numbers":[],"sequential":{"controlConversions":0,"treatmentConversions":0},"funnel":[],"truth":null}', '0.9', now()),
            (1, now(), '{"campaign":"old","simulated":false,"asOf":"2026-03-06T00:00:00+00:00","confidence":0.95,"windows":{"closes":null,"closed":false,"waves":[]},"verdict":{"status":"off","sentence":"No verdict: a check failed."},"checks":[],
              "numbers":[{"key":"extraPerThousand","name":"Extra","shows":"","cannotShow":"","method":"newcombe","unit":"per 1,000 impressions"},{"key":"deliveredLift","name":"Delivered","shows":"","cannotShow":"","method":"koopman","unit":"relative"}],
              "sequential":{"controlConversions":0,"treatmentConversions":0},"funnel":[],"truth":null}', '0.9', now());
        """;

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
