using System.Globalization;
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

/// <summary>Which stored rows count, to which instant, and what is said where somebody altered them.</summary>
public sealed class LiftRowsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Labels_dated_after_their_window_are_left_out_and_counted()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        var before = LiftReport.FromJson((await world.Lifts.NewestAsync(world.Id, Cancel))!.Report);
        await world.ExecuteAsync(
            """
            update funnel_label l set occurred_at = w.impressions_at + interval '720 hours 1 second' from wave w, (select customer from funnel_label where stage = 1 order by customer limit 1) one
             where w.campaign_id = l.campaign_id and w.wave_date = l.wave_date and l.customer = one.customer
            """);

        var report = await world.MeasureAsync("late");

        var late = report.Exclusions!.Single(exclusion => exclusion.What == "labels after the window");
        (late.Control + late.Treatment).ShouldBeGreaterThanOrEqualTo(1);
        Clicks(report).ShouldBe(Clicks(before) - 1);
    }

    [Fact]
    public async Task Without_a_feed_the_last_stage_counts_within_its_window_only()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        await world.ExecuteAsync("delete from customer_outcome");
        var before = (await world.OutcomesAsync()).FirstConversion.Count;
        await world.ExecuteAsync(
            """
            update funnel_label l set occurred_at = w.impressions_at + interval '720 hours 1 second' from wave w, (select customer from funnel_label where stage = 3 order by customer limit 1) one
             where w.campaign_id = l.campaign_id and w.wave_date = l.wave_date and l.customer = one.customer and l.stage = 3
            """);

        before.ShouldBeGreaterThan(0);
        (await world.OutcomesAsync()).FirstConversion.Count.ShouldBe(before - 1);
    }

    [Fact]
    public async Task Amounts_and_conversions_count_to_the_same_instant_and_none_from_the_future()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        // In Shanghai's time: the window of the last of three waves closes on April 2 at 16:00 UTC, that of the second a day before.
        await world.ExecuteAsync("delete from customer_outcome");
        await world.ExecuteAsync(
            """
            insert into customer_outcome(customer, audience_id, occurred_at, amount, source, event_id)
            select a.customer, c.audience_id, o.at, o.amount, 'clock', o.at::text
              from campaign c join lateral (select customer from assignment where campaign_id = c.id order by customer limit 1) a on true
              cross join (values (timestamptz '2026-03-05 00:00+00', 1.0), (timestamptz '2026-04-01 12:00+00', 10.0), (timestamptz '2026-04-02 12:00+00', 100.0), (timestamptz '2026-04-04 00:00+00', 1000.0)) o(at, amount)
            """);
        var close = new DateTimeOffset(2026, 4, 2, 16, 0, 0, TimeSpan.Zero);

        (await world.OutcomesAsync(close.AddDays(20))).Amounts.Values.ShouldBe([111]);
        (await world.OutcomesAsync(close.AddHours(-12))).Amounts.Values.ShouldBe([11]);
        await world.ExecuteAsync("delete from wave_plan where wave_date = '2026-03-04'; delete from export where wave_date = '2026-03-04'; delete from delivery where wave_date = '2026-03-04'; delete from wave where wave_date = '2026-03-04'");
        (await world.OutcomesAsync(close.AddDays(20))).Amounts.Values.ShouldBe([11]);
    }

    [Fact]
    public async Task Outcomes_are_the_same_in_every_language_of_the_machine()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        var expected = await world.OutcomesAsync();
        expected.FirstConversion.Count.ShouldBeGreaterThan(0);
        var own = CultureInfo.CurrentCulture;
        try
        {
            foreach (var name in (string[])["th-TH", "fi-FI"])
            {
                CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(name);
                (await world.OutcomesAsync()).FirstConversion.ShouldBe(expected.FirstConversion, name);
            }
        }
        finally
        {
            CultureInfo.CurrentCulture = own;
        }
    }

    [Fact]
    public async Task A_hold_back_flag_that_somebody_altered_turns_the_verdict_off()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        await world.ExecuteAsync(
            """
            with gone as (delete from assignment where customer in (
                select customer from assignment a where not exists (select from wave_plan p where p.customer = a.customer) order by customer limit 2) returning *)
            insert into assignment select customer, campaign_id, arm, not flagged from gone
            """);

        (await world.MeasureAsync("flags")).Checks.Single(c => c.Name == "arms changed").Sentence.ShouldStartWith("2 customers' stored arms");
    }

    [Fact]
    public async Task Arms_of_other_customers_than_were_scored_are_refused_in_a_sentence()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        await world.ExecuteAsync(
            """
            with gone as (delete from assignment where customer in (select customer from assignment a where not exists (select from wave_plan p where p.customer = a.customer) order by customer limit 1) returning *)
            insert into assignment select 'ffffffff-ffff-ffff-ffff-ffffffffffff', campaign_id, arm, flagged from gone
            """);

        (await Should.ThrowAsync<InputException>(() => world.ReadAsync())).Message.ShouldContain("has scores of 6,000 customers and arms of 6,000, and they are not the same customers");
    }

    [Theory]
    [InlineData("delete from wave_plan where (customer, policy) in (select customer, policy from wave_plan where policy = arm and arm = 1 and action = 1 and wave_date = '2026-03-02' order by customer limit 1)",
        "The wave of 2026-03-02 was published with 60 impressions an arm; the stored plan of the treatment exports 59 customers and its list has 60: somebody altered them.")]
    [InlineData("update export set rows = rows + 1 where arm = 0 and wave_date = '2026-03-03'",
        "The wave of 2026-03-03 was published with 60 impressions an arm; the stored plan of the control exports 60 customers and its list has 61: somebody altered them.")]
    [InlineData("update export set rows = rows + 1 where wave_date = '2026-03-03'",
        "The wave of 2026-03-03 was published with 60 impressions an arm; the stored plan of the control exports 60 customers and its list has 61 (2 such lists): somebody altered them.")]
    public async Task Plans_and_lists_that_differ_from_what_was_published_turn_the_verdict_off(string altering, string sentence)
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();
        await world.ExecuteAsync(altering);

        var report = await world.MeasureAsync("altered plans");

        report.Verdict!.Status.ShouldBe("unhealthy");
        report.Checks.Single(c => c.Name == "plans changed").Sentence.ShouldBe(sentence);
    }

    [Fact]
    public async Task The_scale_of_the_sequential_bounds_is_frozen_with_the_split()
    {
        await using var world = new OwnCampaign();
        await world.InitializeAsync();

        foreach (var change in (string[])["planned_conversions = 7", "segments = '{age}'", "guardrails = '[{}]'"])
        {
            (await Should.ThrowAsync<PostgresException>(() => world.ExecuteAsync($"update campaign set {change}"), change)).MessageText.ShouldContain("is split");
        }
    }

    private static long Clicks(LiftReport report) => report.Stages!.Single(stage => stage.Stage == "click") is var click ? click.Control + click.Treatment : 0;
}
