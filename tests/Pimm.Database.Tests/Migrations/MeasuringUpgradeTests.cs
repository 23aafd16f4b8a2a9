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
public sealed class MeasuringUpgradeTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reports_from_before_are_numbered_in_their_order_and_are_still_read()
    {
        await using var database = await OlderDatabase.UpgradedAsync("0014_measuring.sql", OldRows, Cancel);

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

    private const string OldRows =
        """
        insert into lift_report(campaign_id, as_of, report, code_version, computed_at) values
            (1, now(), '{"campaign":"old","simulated":false,"asOf":"2026-03-05T00:00:00+00:00","confidence":0.95,"windows":{"closes":null,"closed":false,"waves":[]},"verdict":null,"checks":[],"numbers":[],"sequential":{"controlConversions":0,"treatmentConversions":0},"funnel":[],"truth":null}', '0.9', now()),
            (1, now(), '{"campaign":"old","simulated":false,"asOf":"2026-03-06T00:00:00+00:00","confidence":0.95,"windows":{"closes":null,"closed":false,"waves":[]},"verdict":{"status":"off","sentence":"No verdict: a check failed."},"checks":[],
              "numbers":[{"key":"extraPerThousand","name":"Extra","shows":"","cannotShow":"","method":"newcombe","unit":"per 1,000 impressions"},{"key":"deliveredLift","name":"Delivered","shows":"","cannotShow":"","method":"koopman","unit":"relative"}],
              "sequential":{"controlConversions":0,"treatmentConversions":0},"funnel":[],"truth":null}', '0.9', now());
        """;
}
