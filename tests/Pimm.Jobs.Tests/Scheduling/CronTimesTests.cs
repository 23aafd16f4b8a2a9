using Pimm.Core;
using Pimm.Core.Queueing;
using Pimm.Core.Scheduling;
using Pimm.Jobs.Scheduling;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Scheduling;

/// <summary>When schedules fire, and for which date.</summary>
public sealed class CronTimesTests
{
    private static readonly DateTimeOffset Now = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("2027-03-27", "03-27T02:30+01 03-28T03:00+02 03-29T02:30+02")]
    [InlineData("2027-10-30", "10-30T02:30+02 10-31T02:30+02 11-01T02:30+01")]
    public void A_nightly_schedule_fires_once_a_date_through_both_changes_of_the_clocks(string from, string fires)
    {
        var times = CronTimes.Parse("30 2 * * *", "Europe/Berlin");
        var midnight = DateTimeOffset.Parse(from + "T00:00:00+01:00", System.Globalization.CultureInfo.InvariantCulture);

        var three = times.After(midnight).Take(3).ToList();

        string.Join(' ', three.Select(at => times.Local(at).ToString("MM-dd'T'HH:mmzz"))).ShouldBe(fires);
        three.Select(at => Occasion.Of(Nightly("Europe/Berlin"), at).Key).ShouldBe(
            Enumerable.Range(0, 3).Select(day => DateOnly.FromDateTime(midnight.DateTime).AddDays(day).ToString("yyyy-MM-dd")));
    }

    [Fact]
    public void A_year_of_nights_has_every_date_once_the_leap_day_too()
    {
        foreach (var zone in (string[])["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago", "Europe/Dublin"])
        {
            var times = CronTimes.Parse("30 2 * * *", zone);
            var start = new DateTimeOffset(2027, 12, 31, 23, 0, 0, TimeSpan.Zero);

            var dates = times.After(start).Take(366).Select(at => DateOnly.FromDateTime(times.Local(at).DateTime)).ToList();

            dates.ShouldBe(Enumerable.Range(0, 366).Select(dates[0].AddDays), zone);
            dates.ShouldContain(new DateOnly(2028, 2, 29));
        }
    }

    [Fact]
    public void A_firing_counts_for_the_latest_time_that_is_past_however_late_it_is()
    {
        var times = CronTimes.Parse("30 2 * * *", "Europe/Berlin");
        var (night, next) = (new DateTimeOffset(2027, 3, 28, 1, 0, 0, TimeSpan.Zero), new DateTimeOffset(2027, 3, 29, 0, 30, 0, TimeSpan.Zero));

        times.Latest(night).ShouldBe(night);
        times.Latest(night.AddMilliseconds(50)).ShouldBe(night);
        times.Latest(next.AddSeconds(-1)).ShouldBe(night);
        times.Latest(night.AddTicks(-1)).ShouldBe(new DateTimeOffset(2027, 3, 27, 1, 30, 0, TimeSpan.Zero));
    }

    [Fact]
    public void Another_zone_makes_no_new_occasion_of_the_same_date()
    {
        var (shanghai, berlin) = (CronTimes.Parse("30 23 * * *", "Asia/Shanghai"), CronTimes.Parse("30 23 * * *", "Europe/Berlin"));
        var first = shanghai.After(Now).First();
        var second = berlin.After(first).First();

        second.ShouldNotBe(first);
        Occasion.Of(Nightly("Europe/Berlin"), second).Key.ShouldBe(Occasion.Of(Nightly("Asia/Shanghai"), first).Key);
    }

    [Fact]
    public void Kinds_that_fire_more_often_than_daily_have_an_occasion_each_time()
    {
        var times = CronTimes.Parse("*/10 * * * *", "Europe/Berlin");
        var autumn = new DateTimeOffset(2027, 10, 31, 0, 0, 0, TimeSpan.Zero);

        var occasions = times.After(autumn).Take(12).Select(at => Occasion.Of(Nightly("Europe/Berlin") with { Kind = ScheduleKinds.Collect }, at).Key).ToList();

        occasions.Distinct().Count().ShouldBe(12);
        occasions[0].ShouldBe("2027-10-31T00:10:00Z");
    }

    [Fact]
    public void Three_nights_without_a_worker_miss_all_dates_but_the_one_that_fired()
    {
        var times = CronTimes.Parse("30 2 * * *", "Europe/Berlin");
        var schedule = Nightly("Europe/Berlin");
        var since = new DateTimeOffset(2027, 3, 25, 12, 0, 0, TimeSpan.Zero);
        var back = new DateTimeOffset(2027, 3, 29, 6, 0, 0, TimeSpan.Zero);

        Occasion.Missed(schedule, times.After(since), back, new HashSet<string> { "2027-03-29" }, 100).Select(occasion => occasion.Key).ShouldBe(["2027-03-26", "2027-03-27", "2027-03-28"]);
        Occasion.Missed(schedule, times.After(since), back, new HashSet<string> { "2027-03-29" }, 2).Select(occasion => occasion.Key).ShouldBe(["2027-03-27", "2027-03-28"]);
    }

    [Theory]
    [InlineData("30 2 * *", "UTC", "The cron expression \"30 2 * *\" cannot be read")]
    [InlineData("61 2 * * *", "UTC", "The cron expression \"61 2 * * *\" cannot be read")]
    [InlineData("every night", "UTC", "The cron expression \"every night\" cannot be read")]
    [InlineData("30 2 * * *", "Mars/Olympus", "\"Mars/Olympus\" is no time zone: use an IANA id such as Europe/Berlin.")]
    [InlineData("30 2 * * *", "W. Europe Standard Time", "\"W. Europe Standard Time\" is no time zone")]
    [InlineData("0 0 30 2 *", "UTC", "The cron expression \"0 0 0 30 2 ?\" never fires")]
    [InlineData("*/2 * * * *", "UTC", "The cron expression \"0 */2 * * * ?\" fires at 2027-01-01 00:02:00Z and again 00:02:00 later: leave at least 00:05:00 between")]
    [InlineData("0/10 * 4 * * ?", "UTC", "The cron expression \"0/10 * 4 * * ?\" fires at 2027-01-01 04:00:00Z and again 00:00:10 later")]
    public void A_cron_expression_that_makes_no_sense_is_refused_with_a_sentence(string cron, string zone, string sentence) =>
        Should.Throw<InputException>(() => CronTimes.Parse(cron, zone).Checked(Now, TimeSpan.FromMinutes(5))).Message.ShouldStartWith(sentence);

    [Theory]
    [InlineData("30 1 * * *", "Europe/Dublin", "2027-03-28 00:30:00Z")]
    [InlineData("30 2 * * *", "Africa/Casablanca", "2027-03-14 01:30:00Z")]
    public void A_time_at_which_the_triggers_would_fire_without_end_is_refused(string cron, string zone, string at) =>
        Should.Throw<InputException>(() => CronTimes.Parse(cron, zone).Checked(Now, TimeSpan.FromMinutes(5))).Message
            .ShouldContain($"cannot be computed beyond {at} in {zone}, where the clocks change: choose an hour that exists on every day, or the time zone UTC.");

    [Theory]
    [InlineData("30 2 * * *")]
    [InlineData("0 30 2 * * ?")]
    [InlineData("@daily")]
    [InlineData("0 0 29 2 *")]
    public void A_cron_expression_of_either_form_is_taken(string cron) =>
        CronTimes.Parse(cron, "Europe/Berlin").Checked(Now, TimeSpan.FromMinutes(5)).After(Now).Take(5).Count().ShouldBe(5);

    [Theory]
    [InlineData("0 */6 * * *", "fires at 06:00 and again at 12:00 on 2027-01-01")]
    [InlineData("0 3,4 1 * *", "fires at 03:00 and again at 04:00 on 2027-01-01")]
    public void A_second_time_on_the_same_day_is_refused_where_the_work_is_done_once_a_day(string cron, string sentence)
    {
        var times = CronTimes.Parse(cron, "UTC");

        Should.Throw<InputException>(() => times.Checked(Now, TimeSpan.FromMinutes(5), daily: true)).Message
            .ShouldContain($"{sentence}, and this kind of schedule does its work once a day: name one time of the day.");
        times.Checked(Now, TimeSpan.FromMinutes(5)).ShouldBe(times);
        CronTimes.Parse("30 2 * * *", "Europe/Berlin").Checked(Now, TimeSpan.FromMinutes(5), daily: true).After(Now).ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("0 3 * * *", "1.02:00:00")]
    [InlineData("0 3 * * 0", "7.02:00:00")]
    [InlineData("0 3 * * 1-5", "3.02:00:00")]
    [InlineData("*/10 * * * *", "02:10:00")]
    [InlineData("0 0 29 2 *", null)]
    public void A_schedule_is_late_after_its_longest_pause_and_two_hours(string cron, string? bound) =>
        (ScheduleCheck.Bound(CronTimes.Parse(cron, "UTC"), Now) is { } found ? found.ToString() : null).ShouldBe(bound);

    private static Schedule Nightly(string zone) => Schedule.New("nightly", ScheduleKinds.Retain, null, null, "30 2 * * *", zone, "test");
}
