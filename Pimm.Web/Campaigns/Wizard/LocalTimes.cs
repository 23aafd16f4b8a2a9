using System.Globalization;
using Pimm.Core.Campaigns;

namespace Pimm.Web.Campaigns.Wizard;

/// <summary>Instants as the clocks of a campaign's time zone show them.</summary>
public static class LocalTimes
{
    /// <summary>3 May 2027, 00:00 Asia/Shanghai (UTC+08:00): the offset tells the two hours apart that a clock shows twice.</summary>
    public static string Of(Campaign campaign, DateTimeOffset instant)
    {
        var local = TimeZoneInfo.ConvertTime(instant, TimeZoneInfo.FindSystemTimeZoneById(campaign.TimeZone));
        return string.Create(CultureInfo.InvariantCulture, $"{local:d MMM yyyy, HH:mm} {campaign.TimeZone} (UTC{(local.Offset < TimeSpan.Zero ? "−" : "+")}{local.Offset:hh\\:mm})");
    }

    /// <summary>The days on which the offset changes.</summary>
    public static IEnumerable<DateOnly> Changes(Campaign campaign) => campaign.WaveDates.Where(day => campaign.StartOf(day.AddDays(1)) - campaign.StartOf(day) != TimeSpan.FromDays(1));
}
