using Pimm.Core.Campaigns;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Campaigns;

public sealed class CampaignTests
{
    private static readonly Campaign Spring = new(
        1, "Spring", 1, 1, 2, "Asia/Shanghai", new DateOnly(2026, 3, 2), 5, 30, 100, 0.1, 0.05, "best-of", 100, "salt", "me", DateTimeOffset.UnixEpoch);

    [Fact]
    public void Days_and_windows_are_counted_from_midnight_in_the_campaigns_zone()
    {
        Spring.StartsAt.ShouldBe(new DateTimeOffset(2026, 3, 1, 16, 0, 0, TimeSpan.Zero));
        Spring.ClosesAt.ShouldBe(new DateTimeOffset(2026, 4, 4, 16, 0, 0, TimeSpan.Zero));
        Spring.DateOf(new DateTimeOffset(2026, 3, 1, 15, 59, 59, TimeSpan.Zero)).ShouldBe(new DateOnly(2026, 3, 1));
        Spring.DateOf(new DateTimeOffset(2026, 3, 1, 16, 0, 0, TimeSpan.Zero)).ShouldBe(new DateOnly(2026, 3, 2));
    }

    [Fact]
    public void A_day_whose_midnight_is_skipped_begins_with_its_first_minute_and_one_that_comes_twice_the_first_time()
    {
        (Spring with { TimeZone = "Africa/Cairo" }).StartOf(new DateOnly(2026, 4, 24)).ShouldBe(new DateTimeOffset(2026, 4, 23, 22, 0, 0, TimeSpan.Zero));
        (Spring with { TimeZone = "America/Havana" }).StartOf(new DateOnly(2026, 11, 1)).ShouldBe(new DateTimeOffset(2026, 11, 1, 4, 0, 0, TimeSpan.Zero));
    }

    [Theory]
    [InlineData("Days is 0: a campaign runs 1 to 366 days.", 0, 0.1, "Asia/Shanghai", 2)]
    [InlineData("Hold-back share is 0.6: it must lie between 0 and 0.5.", 5, 0.6, "Asia/Shanghai", 2)]
    [InlineData("\"Mars/Olympus\" is no time zone: use an IANA id such as Asia/Shanghai.", 5, 0.1, "Mars/Olympus", 2)]
    [InlineData("Control and treatment are the same model line: choose two, or there is nothing to compare.", 5, 0.1, "Asia/Shanghai", 1)]
    public void What_cannot_be_is_refused_with_name_value_and_bound(string sentence, int days, double holdBack, string zone, long treatment) =>
        Should.Throw<InputException>(() => (Spring with { Days = days, HoldbackShare = holdBack, TimeZone = zone, TreatmentLineId = treatment }).Validated())
            .Message.ShouldBe(sentence);

    [Fact]
    public void Waves_are_days_of_the_zone_even_where_a_day_has_23_or_25_hours()
    {
        var spring = Spring with { TimeZone = "Europe/Berlin", StartsOn = new DateOnly(2026, 3, 28), Days = 3 };
        Hours(spring).ShouldBe([24, 23, 24]);
        Hours(spring with { StartsOn = new DateOnly(2026, 10, 24) }).ShouldBe([24, 25, 24]);
        foreach (var day in spring.WaveDates)
        {
            spring.DateOf(spring.StartOf(day)).ShouldBe(day);
            spring.DateOf(spring.StartOf(day).AddTicks(-1)).ShouldBe(day.AddDays(-1));
        }

        static double[] Hours(Campaign campaign) => [.. campaign.WaveDates.Select(day => (campaign.StartOf(day.AddDays(1)) - campaign.StartOf(day)).TotalHours)];
    }

    [Fact]
    public void What_decides_who_enters_and_how_they_are_split_is_checked()
    {
        Refused(Spring with { SplitCovariates = [] }).ShouldBe("0 split covariates were given: choose one to three, more dilute each other.");
        Refused(Spring with { SplitCovariates = ["a", "b", "c", "d"] }).ShouldStartWith("4 split covariates");
        Refused(Spring with { SplitCovariates = ["a", "a"] }).ShouldBe("The split covariate \"a\" is given twice: name each once.");
        Refused(Spring with { SplitCovariates = ["a", " "] }).ShouldStartWith("Split covariate 2 has no name");
        Refused(Spring with { TrafficShare = 0 }).ShouldBe("Traffic share is 0: it must be above 0 and at most 1.");
        Refused(Spring with { TrafficShare = double.NaN }).ShouldBe("Traffic share is NaN: it must be above 0 and at most 1.");
        Refused(Spring with { ContactLimit = 2 }).ShouldBe("Contact limit and contact days belong together: give both, or neither.");
        Refused(Spring with { ContactLimit = 0, ContactDays = 7 }).ShouldBe("Contact limit is 0: choose 1 to 1,000 exports a customer.");
        Refused(Spring with { ContactLimit = 2, ContactDays = 400 }).ShouldBe("Contact days is 400: choose 1 to 366.");
        Refused(Spring with { Salt = "layer/1/cards" }).ShouldBe("The salt \"layer/1/cards\" begins with \"layer/\", which is kept for layers: choose another.");
        Refused(Spring with { Salt = " " }).ShouldStartWith("The campaign's salt has 0 characters");
        (Spring with { SplitCovariates = ["treatment-score", "age"], TrafficShare = 1e-6, ContactLimit = 1, ContactDays = 366 }).Validated().Covariates.ShouldBe(["treatment-score", "age"]);
        Spring.Covariates.ShouldBe([Campaign.ControlScore]);

        static string Refused(Campaign campaign) => Should.Throw<InputException>(() => campaign.Validated()).Message;
    }
}
