using Pimm.Core.Allocating;
using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>The campaign day by day, as it would have been reported at the end of each day.</summary>
internal static class DailySeries
{
    public const string Note =
        "Cumulative: each day repeats the days before it. Later waves reach weaker audiences and outcomes come late, so a daily trend is no trend of the effect.";

    /// <summary>From the campaign's first day to the day that holds the last instant before the report, or before the last window closed.</summary>
    public static LiftDays Of(LiftInput input, LiftTally tally)
    {
        TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById(input.TimeZone);
        DateTimeOffset until = tally.Closes < input.AsOf ? tally.Closes.Value : input.AsOf;
        DateOnly first = DayOf(input.CampaignStart, zone);
        int days = Math.Max(0, DayOf(until.AddTicks(-1), zone).DayNumber - first.DayNumber + 1);
        if (tally.Closes is null || input.AsOf < input.CampaignStart || !input.HasCustomerOutcomes)
            days = 0;
        long[][] converted = [new long[days], new long[days]];
        for (int i = 0; i < input.Customers.Count; i++)
            if (days > 0 && tally.Converted[i] == 1)
                converted[(int)input.Customers[i].Arm][Math.Min(DayOf(input.Customers[i].ConvertedAt!.Value, zone).DayNumber - first.DayNumber, days - 1)]++;
        return new LiftDays(input.TimeZone, Note, Cumulate(input, tally, first, converted));
    }

    private static LiftDay[] Cumulate(LiftInput input, LiftTally tally, DateOnly first, long[][] converted)
    {
        var series = new LiftDay[converted[0].Length];
        long control = 0, treatment = 0;
        for (int day = 0; day < series.Length; day++)
        {
            DateOnly date = first.AddDays(day);
            (control, treatment) = (control + converted[0][day], treatment + converted[1][day]);
            double impressions = Enumerable.Range(0, input.Waves.Count).Where(w => input.Waves[w].Date <= date)
                .Sum(w => (tally.Control.Waves[w].Exported.N + tally.Treatment.Waves[w].Exported.N) / 2.0);
            series[day] = Day(input, tally, date, impressions, converted[0][day], converted[1][day], control, treatment);
        }
        return series;
    }

    private static LiftDay Day(LiftInput input, LiftTally tally, DateOnly date, double impressions, long controlOnDay, long treatmentOnDay, long control, long treatment)
    {
        var day = new LiftDay(date, impressions, controlOnDay, treatmentOnDay, control, treatment, null, null, null, null, null);
        if (impressions == 0)
            return day;
        double factor = 1000.0 * (tally.Control.Eligible + tally.Treatment.Eligible) / (2 * impressions);
        Estimate extra = ProportionComparison.Newcombe(
            new Proportion(tally.Control.Eligible, control), new Proportion(tally.Treatment.Eligible, treatment), input.Confidence).Scaled(factor);
        LiftAlwaysValid? always = AlwaysValid.Of(extra, control, treatment, input.PlannedConversions, input.Confidence);
        return day with { Estimate = extra.Value, Lower = extra.Lower, Upper = extra.Upper, AlwaysLower = always?.Lower, AlwaysUpper = always?.Upper };
    }

    private static DateOnly DayOf(DateTimeOffset instant, TimeZoneInfo zone) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(instant, zone).DateTime);
}
