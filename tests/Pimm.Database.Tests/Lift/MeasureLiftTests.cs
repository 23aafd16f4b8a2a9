using Dapper;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Lift;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
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
    public async Task The_report_of_a_stopped_campaign_says_when_it_was_stopped_and_by_whom()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        await world.ExecuteAsync($"insert into campaign_event (campaign_id, event, caused_by, caused_at) values ({world.Id}, 'stopped', 'user:approver', '2026-03-04 05:06Z')");

        var report = await world.MeasureAsync("stopped");

        const string stopped = "The campaign was stopped on 2026-03-04 05:06 UTC by user:approver: the days after that are missing in both arms.";
        report.Verdict!.Sentence.ShouldEndWith($". {stopped}");
        report.Checks.Single(check => check.Name == LiftCheck.Stopped).ShouldBe(new LiftCheck(LiftCheck.Stopped, null, false, stopped));
        (await world.Lifts.NewestAsync(world.Id, Cancel))!.Page.ShouldContain(stopped);
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
    public async Task What_comes_late_over_HTTP_is_the_next_version_and_the_one_before_stands()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        var first = (await world.Lifts.NewestAsync(world.Id, Cancel))!;
        var counted = await world.CountAsync("select count(*) from customer_outcome");

        // Nobody's conversion is taken back twice, and what was taken back counts in no report.
        var answer = await world.SendAsync(
            """select json_build_object('event_id', 'void ' || event_id, 'kind', 'outcome', 'customer', customer, 'campaign', c.id, 'occurred_at', o.occurred_at, 'corrects', event_id, 'void', true)::text from customer_outcome o join campaign c using (audience_id)""");
        var second = await world.MeasureAsync("late");

        (answer.Accepted, answer.Quarantined).ShouldBe(((int)counted, 0));
        second.Changes!.ShouldSatisfyAllConditions(changes => changes.Since.ShouldBe(1), changes => changes.Files.ShouldBe(1), changes => changes.Rows.ShouldBe(counted));
        (await world.OutcomesAsync()).Newest.ShouldBeNull();
        (await world.Lifts.GetAsync(world.Id, 1, Cancel)).Report.ShouldBe(first.Report);
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
        // Another campaign of the same days plans for five of the control's customers in its treatment, and for one in its control.
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
            insert into wave(campaign_id, wave_date, scoring_id, impressions, exploration, impressions_at, published_at)
            select (select max(id) from campaign), wave_date, scoring_id, 5, 0, impressions_at, published_at from wave where wave_date = '2026-03-02';
            insert into wave_plan(customer, campaign_id, wave_date, policy, arm, action, exploration, rank)
            select customer, campaign_id, date '2026-03-02', 0, arm, 1, false, 1 from assignment where campaign_id = (select max(id) from campaign);
            """);

        var report = await world.MeasureAsync("both arms");

        var left = report.Exclusions!.Single(exclusion => exclusion.What == "customers in both arms");
        (left.Control, left.Treatment).ShouldBe((5, 0));
        (report.Funnel[0].Control + report.Funnel[0].Treatment).ShouldBe(5_995);
        (report.Funnel[1].Control, report.Funnel[1].Treatment).ShouldBe((175, 180));
        report.Checks.Single(check => check.Name == "impressions").Alarm.ShouldBeFalse();
        report.Checks.Single(check => check.Name == "reached by another campaign too").Sentence.ShouldContain("6 of 2,");
        report.Checks.Single(check => check.Name == "left out").Alarm.ShouldBeFalse();
        report.Truth.ShouldNotBeNull();
    }

    [Fact]
    public async Task Leaving_out_customers_in_both_arms_does_not_move_a_campaign_without_any_effect()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        var (campaign, _) = await world.OverlapAsync(impressions: 450);
        // Nobody responds: the same customers convert in either arm, those whom the treatment's model prefers.
        await world.ExecuteAsync("delete from customer_outcome");
        await world.ExecuteAsync(
            $"""
            insert into customer_outcome(customer, audience_id, occurred_at, source, event_id)
            select s.customer, {world.Audience}, timestamptz '2026-03-02 00:00+00' + interval '1 hour' * (row_number() over (order by s.customer) % 760), 'null', s.customer::text
              from score s join allocation a on a.scoring_id = s.scoring_id and a.campaign_id = {campaign}
             where s.treatment_score > (select percentile_cont(0.6) within group (order by treatment_score) from score where scoring_id = s.scoring_id)
            """);

        var report = await world.MeasureAsync("null", of: campaign);

        var headline = report.Number(LiftKeys.Extra);
        var left = report.Exclusions!.Single(exclusion => exclusion.What == "customers in both arms");
        TestContext.Current.SendDiagnosticMessage($"headline {headline.Estimate} ± {headline.StandardError}, left out {left.Control} and {left.Treatment}");
        left.Control.ShouldBeGreaterThan(300);
        Math.Abs(headline.Estimate!.Value / headline.StandardError!.Value).ShouldBeLessThan(2);
        ((double)Math.Abs(left.Control - left.Treatment)).ShouldBeLessThan(3 * Math.Sqrt(left.Control + left.Treatment));
        foreach (var name in (string[])["reached by another campaign too", "in both arms"])
        {
            report.Checks.Single(check => check.Name == name).Alarm.ShouldBeFalse();
        }
        report.Checks.Single(check => check.Alarm).Name.ShouldBe("left out");
    }

    [Fact]
    public async Task The_list_of_campaigns_reads_reports_only_when_they_are_asked_for()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();

        (await world.Campaigns.ListAsync(cancellationToken: Cancel)).Single().LiftReport.ShouldBeNull();
        (await world.Campaigns.ListAsync(reports: true, cancellationToken: Cancel)).Single().LiftReport.ShouldBe((await world.Lifts.NewestAsync(world.Id, Cancel))!.Report);
    }

    private static long Clicks(LiftReport report) => report.Stages!.Single(stage => stage.Stage == "click") is var click ? click.Control + click.Treatment : 0;
}
