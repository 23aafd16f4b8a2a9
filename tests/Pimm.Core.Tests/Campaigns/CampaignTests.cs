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
}
