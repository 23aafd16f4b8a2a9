using Dapper;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Lift;
using Pimm.Core.Queueing;
using Pimm.Database.Tests.KnownLift;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Lift;

/// <summary>A campaign of its own a test: these alter what came back.</summary>
public sealed class MeasureLiftTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_a_feed_of_customer_outcomes_only_delivered_lift_is_shown_and_says_why()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        await world.ExecuteAsync("delete from customer_outcome");

        var report = await world.MeasureAsync("no feed");

        report.Verdict!.Status.ShouldBe("no-data");
        report.Number(LiftKeys.Extra).Estimate.ShouldBeNull();
        report.Number(LiftKeys.Extra).Note.ShouldNotBeNullOrEmpty();
        report.Number(LiftKeys.DeliveredLift).Estimate.ShouldNotBeNull();
    }

    [Fact]
    public async Task Arms_that_somebody_altered_turn_the_verdict_off()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        // Behind the trigger's back, as an owner can: delete and insert.
        await world.ExecuteAsync(
            """
            with gone as (delete from assignment where customer in (
                select customer from assignment a where not exists (select from wave_plan p where p.customer = a.customer) order by customer limit 7) returning *)
            insert into assignment select customer, campaign_id, 1 - arm, flagged from gone
            """);

        var report = await world.MeasureAsync("altered");

        report.Verdict!.Status.ShouldBe("unhealthy");
        report.Checks.Single(c => c.Name == "arms changed").Sentence.ShouldStartWith("7 customers' stored arms");
    }

    [Fact]
    public async Task Every_report_is_a_version_that_never_changes_and_says_what_is_new()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        var first = (await world.Lifts.NewestAsync(world.Id, Cancel))!;
        await world.ExecuteAsync("delete from customer_outcome where customer in (select customer from customer_outcome order by customer limit 3)");

        var second = await world.MeasureAsync("second", "ada");

        first.Version.ShouldBe(1);
        (second.Origin!.Version, second.Origin.AskedBy).ShouldBe((2, "ada"));
        second.Changes!.Since.ShouldBe(1);
        (second.Changes.Rows, second.Changes.Files).ShouldBe((0, 0));
        second.Changes.Numbers.ShouldContain(change => change.Key == LiftKeys.Extra && change.Before == LiftReport.FromJson(first.Report).Number(LiftKeys.Extra).Estimate);
        var versions = await world.Lifts.VersionsAsync(world.Id, Cancel);
        versions.Select(version => (version.Version, version.ComputedBy, version.Verdict)).ShouldBe(
            [(1, null, LiftReport.FromJson(first.Report).Verdict!.Status), (2, "ada", second.Verdict!.Status)]);
        var old = await world.Lifts.GetAsync(world.Id, 1, Cancel);
        (old.Report, old.Page).ShouldBe((first.Report, first.Page));
        old.Report.ShouldBe(LiftReport.FromJson(old.Report).ToJson());
        old.Page.ShouldBe(LiftReportText.Render(LiftReport.FromJson(old.Report)));
        (await Should.ThrowAsync<PostgresException>(() => world.ExecuteAsync("update lift_report set computed_by = 'eve'"))).MessageText.ShouldContain("never changed");
        (await Should.ThrowAsync<InputException>(() => world.Lifts.GetAsync(world.Id, 9, Cancel))).Message.ShouldContain("no lift report of version 9");
        (await world.Lifts.NewestOfAllAsync(Cancel)).Single().Version.ShouldBe(2);
    }

    [Fact]
    public async Task Segments_guardrails_and_amounts_come_from_the_rows()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        await world.ExecuteAsync("""alter table campaign disable trigger campaign_measures_are_frozen; update campaign set segments = '{device,age,control-score}', guardrails = '[{"metric": "amount", "margin": 0.2}, {"metric": "click", "margin": 0.3}]'""");

        var report = await world.MeasureAsync("segments");

        report.Segments!.Select(segment => segment.Attribute).ShouldBe(["device", "age", "control-score"]);
        foreach (var segment in report.Segments!)
        {
            segment.Levels.Sum(level => level.ControlEligible + level.TreatmentEligible).ShouldBe(6_000);
            segment.Levels.Sum(level => level.ControlConversions + level.TreatmentConversions).ShouldBe(report.Sequential.ControlConversions + report.Sequential.TreatmentConversions);
        }
        report.Segments[0].Levels.Select(level => level.Level).Order().ShouldBe(["d0", "d1", "d2"]);
        (await world.CountAsync($"select count(*) from audience.customers_{world.Audience} where device = 'd0'"))
            .ShouldBe(report.Segments[0].Levels.Single(level => level.Level == "d0") is var d0 ? d0.ControlEligible + d0.TreatmentEligible : 0);
        report.Guardrails!.Select(guardrail => guardrail.Metric).ShouldBe(["amount", "click"]);
        report.Amount!.Numbers.Count.ShouldBe(2);
        var total = await world.SumAsync("select sum(o.amount) from customer_outcome o join assignment a on a.customer = o.customer");
        (report.Amount.ControlMean!.Value * report.Funnel[0].Control + report.Amount.TreatmentMean!.Value * report.Funnel[0].Treatment).ShouldBe(total, 0.01);
        report.Days!.Days.Sum(day => day.ControlOnDay).ShouldBe(report.Sequential.ControlConversions);
    }

    [Fact]
    public async Task Labels_dated_before_their_wave_are_left_out_and_counted()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        var before = LiftReport.FromJson((await world.Lifts.NewestAsync(world.Id, Cancel))!.Report);
        await world.ExecuteAsync(
            """
            update funnel_label l set occurred_at = w.impressions_at - interval '1 hour' from wave w, (select customer from funnel_label where stage = 1 order by customer limit 1) one
             where w.campaign_id = l.campaign_id and w.wave_date = l.wave_date and l.customer = one.customer
            """);

        var report = await world.MeasureAsync("early");

        var early = report.Exclusions!.Single(exclusion => exclusion.What == "labels before the impression");
        (early.Control + early.Treatment).ShouldBeGreaterThanOrEqualTo(1);
        Clicks(report).ShouldBe(Clicks(before) - 1);
    }

    [Fact]
    public async Task Customers_whom_both_policies_reached_through_another_campaign_are_left_out_and_counted()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        // Another campaign of the same days reached five of the control's delivered customers in its treatment, and one in its control.
        await world.ExecuteAsync(
            """
            insert into campaign(name, audience_id, control_line_id, treatment_line_id, time_zone, starts_on, days, window_days, impressions_per_day,
                                 holdback_share, exploration_share, split_method, split_candidates, salt, created_by, created_at)
            select 'other', audience_id, control_line_id, treatment_line_id, time_zone, starts_on, days, window_days, 10, 0.1, 0, 'plain', 1, 'other', 'me', created_at from campaign;
            insert into assignment(customer, campaign_id, arm, flagged)
            select customer, (select max(id) from campaign), case when place <= 5 then 1 else 0 end, false
              from (select d.customer, row_number() over (order by d.customer) as place from delivery d join assignment a using (customer, campaign_id) where a.arm = 0) c where place <= 6;
            insert into delivery(customer, campaign_id, wave_date, delivered_at)
            select customer, campaign_id, date '2026-03-02', timestamptz '2026-03-02 12:00+00' from assignment where campaign_id = (select max(id) from campaign);
            """);

        var report = await world.MeasureAsync("both arms");

        var left = report.Exclusions!.Single(exclusion => exclusion.What == "customers in both arms");
        (left.Control, left.Treatment).ShouldBe((5, 0));
        (report.Funnel[0].Control + report.Funnel[0].Treatment).ShouldBe(5_995);
        (report.Funnel[1].Control, report.Funnel[1].Treatment).ShouldBe((175, 180));
        report.Checks.Single(check => check.Name == "impressions").Alarm.ShouldBeFalse();
        report.Checks.Single(check => check.Name == "reached by another campaign too").Sentence.ShouldContain("6 of 2,");
        report.Truth.ShouldNotBeNull();
    }

    private static long Clicks(LiftReport report) => report.Stages!.Single(stage => stage.Stage == "click") is var click ? click.Control + click.Treatment : 0;

    private sealed class OwnCampaign : IAsyncDisposable
    {
        private readonly SmallCampaign _small = new();

        public long Id => _small.Campaign.Id;

        public long Audience => _small.Audience.Id;

        public LiftStore Lifts => _small.Pimm.Service<LiftStore>();

        public async Task<long> CountAsync(string sql)
        {
            await using var connection = await _small.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
            return await connection.ExecuteScalarAsync<long>(sql);
        }

        public async Task<double> SumAsync(string sql)
        {
            await using var connection = await _small.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
            return await connection.ExecuteScalarAsync<double>(sql);
        }

        public ValueTask InitializeAsync() => _small.InitializeAsync();

        public async Task ExecuteAsync(string sql)
        {
            await using var connection = await _small.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
            (await connection.ExecuteAsync(sql)).ShouldBeGreaterThan(0);
        }

        public async Task<LiftReport> MeasureAsync(string key, string? askedBy = null)
        {
            var run = await _small.Pimm.RunAsync(new JobRequest(MeasureLift.JobKind, key, new LiftRequest(askedBy), _small.Campaign.Id), Cancel);
            run.State.ShouldBe(JobStates.Succeeded, run.Error);
            return LiftReport.FromJson((await _small.Pimm.Service<LiftStore>().NewestAsync(_small.Campaign.Id, Cancel))!.Report);
        }

        public ValueTask DisposeAsync() => _small.DisposeAsync();
    }
}
