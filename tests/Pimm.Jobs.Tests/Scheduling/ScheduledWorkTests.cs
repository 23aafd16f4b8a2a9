using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;
using Pimm.Core.Scheduling;
using Pimm.Core.Training;
using Pimm.Jobs.Scheduling;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Scheduling;

/// <summary>Which runs a firing asks for.</summary>
public sealed class ScheduledWorkTests
{
    private static readonly Campaign March = new(
        7, "March", 1, 1, 2, "Asia/Shanghai", new DateOnly(2027, 3, 1), 31, 14, 1000, 0.1, 0.1, "best-of", 100, "salt", "ann", default);

    [Fact]
    public void A_retrain_trains_as_of_its_date_and_promotes_afterwards()
    {
        var schedule = Schedule.New("nightly", ScheduleKinds.Retrain, 5, null, "30 2 * * *", "Europe/Berlin", "ann") with { Id = 3 };
        var (first, second) = (Occasions(schedule, 28), Occasions(schedule, 29));

        var runs = ScheduledWork.Retrain(schedule, first, longestWindow: 14).Runs;

        runs.Select(run => (run.Kind, run.AfterPrevious)).ShouldBe([("train", false), ("promote", true)]);
        var training = runs[0].Arguments.ShouldBeOfType<TrainLineRequest>();
        (training.ModelLineId, training.AsOf, training.WindowDays).ShouldBe((5L, first.At, 14));
        Training(schedule, first).Seed.ShouldBe(training.Seed);
        Training(schedule, second).Seed.ShouldNotBe(training.Seed);
        Training(schedule with { Id = 4 }, first).Seed.ShouldNotBe(training.Seed);
        training.Seed.ShouldBeGreaterThanOrEqualTo(0);
        Training(schedule, first).WindowDays.ShouldBe(ScheduledWork.DefaultWindowDays);
        Training(schedule with { Arguments = "{\"windowDays\": 3}" }, first).WindowDays.ShouldBe(3);
    }

    [Fact]
    public void A_campaign_scores_once_then_allocates_and_exports_each_of_its_days()
    {
        var day = Day(10);

        Kinds(new CampaignFacts(March, false, null), day).ShouldBe("score → allocate → export");
        Kinds(new CampaignFacts(March, true, null), day).ShouldBe("allocate → export");
        Kinds(new CampaignFacts(March, false, OpenScoring: 99), day).ShouldBe("(99) → allocate → export");
        OfCampaign(new CampaignFacts(March, true, null), day, day.At).Runs.ShouldAllBe(run => run.CampaignId == 7 && ((WaveRequest)run.Arguments).OnItsDayOnly);
    }

    [Theory]
    [InlineData(2, 28, "nothing to do: 2027-02-28 is no day of campaign \"March\", which runs from 2027-03-01 to 2027-03-31")]
    [InlineData(4, 1, "nothing to do: 2027-04-01 is no day of campaign \"March\", which runs from 2027-03-01 to 2027-03-31")]
    public void Outside_its_days_a_campaign_does_nothing_and_says_so(int month, int day, string outcome)
    {
        var work = OfCampaign(new CampaignFacts(March, true, null), Day(day, month), Day(day, month).At);

        work.Runs.ShouldBeEmpty();
        work.Outcome.ShouldBe(outcome);
    }

    [Fact]
    public void A_campaign_s_day_that_is_over_gets_no_wave()
    {
        var work = OfCampaign(new CampaignFacts(March, true, null), Day(10), Day(10).At.AddDays(1));

        work.Runs.ShouldBeEmpty();
        work.Outcome.ShouldStartWith("nothing to do: 2027-03-10 is over in Asia/Shanghai");
    }

    [Fact]
    public void A_campaign_s_schedule_in_another_zone_is_refused() =>
        Should.Throw<Core.InputException>(() => OfCampaign(new CampaignFacts(March, true, null), Day(10), Day(10).At, zone: "UTC")).Message
            .ShouldBe("The schedule \"waves\" is in UTC, and the days of campaign \"March\" are those of Asia/Shanghai: choose --time-zone Asia/Shanghai.");

    [Fact]
    public void Lift_is_measured_while_a_window_is_open_and_once_after_it_closed()
    {
        var never = March with { Id = 1 };
        var (open, closing, closed) = (March with { Id = 2 }, March with { Id = 3 }, March with { Id = 4 });

        var work = ScheduledWork.Lift([
            new(never, null), new(open, March.StartsAt.AddDays(20)), new(closing, March.ClosesAt.AddHours(-1)), new(closed, March.ClosesAt.AddHours(1))]);

        work.Runs.Select(run => run.CampaignId).ShouldBe([1, 2, 3]);
        work.Runs.Select(run => run.Part).Distinct().Count().ShouldBe(3);
        ScheduledWork.Lift([new(closed, March.ClosesAt.AddHours(1))]).Outcome.ShouldStartWith("nothing to do");
    }

    private static ScheduledWork OfCampaign(CampaignFacts facts, Occasion occasion, DateTimeOffset now, string zone = "Asia/Shanghai") =>
        ScheduledWork.OfCampaign(Schedule.New("waves", ScheduleKinds.Campaign, null, March.Id, "0 5 * * *", zone, "ann"), facts, occasion, now);

    private static string Kinds(CampaignFacts facts, Occasion day) => string.Join(" → ", OfCampaign(facts, day, day.At).Runs
        .SelectMany((run, index) => (string[])[.. run.AfterRun is { } id ? [$"({id})"] : Array.Empty<string>(), run.AfterPrevious || index == 0 ? run.Kind : "!" + run.Kind]));

    private static TrainLineRequest Training(Schedule schedule, Occasion occasion) => (TrainLineRequest)ScheduledWork.Retrain(schedule, occasion, null).Runs[0].Arguments;

    private static Occasion Occasions(Schedule schedule, int day)
    {
        var times = CronTimes.Parse(schedule.Cron, schedule.TimeZone);
        return Occasion.Of(schedule, times.After(new DateTimeOffset(2027, 3, day, 0, 0, 0, TimeSpan.Zero)).First());
    }

    private static Occasion Day(int day, int month = 3) => new($"2027-{month:00}-{day:00}", new DateOnly(2027, month, day), March.StartOf(new DateOnly(2027, month, day)).AddHours(5));
}
