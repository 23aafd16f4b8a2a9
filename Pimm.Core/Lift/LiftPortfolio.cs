using System.Text.Json;
using System.Text.Json.Serialization;
using MathNet.Numerics.Distributions;
using Pimm.Core.Training;
using static Pimm.Core.Lift.LiftText;

namespace Pimm.Core.Lift;

/// <summary>One campaign among the others: its newest report's two numbers and what it says.</summary>
/// <param name="Status">of the verdict; reports of earlier versions of the code may have none</param>
public sealed record PortfolioCampaign(
    long CampaignId, string Campaign, bool Simulated, int Version, DateTimeOffset AsOf, bool Closed, string? Status, LiftInterval DeliveredLift, LiftInterval Headline)
{
    internal static PortfolioCampaign Of(CampaignReport stored)
    {
        var report = LiftReport.FromJson(stored.Report);
        return new PortfolioCampaign(stored.CampaignId, stored.Campaign, report.Simulated, stored.Version, report.AsOf, report.Windows.Closed, report.Verdict?.Status,
            Interval(report.Number(LiftKeys.DeliveredLift)), Interval(report.Number(LiftKeys.Extra)));
    }

    /// <summary>How the campaign is named in lists and figures.</summary>
    internal string Label => Simulated ? $"{Campaign} (simulated)" : Campaign;

    /// <summary>No failed check turned its verdict off.</summary>
    [JsonIgnore]
    public bool Healthy => Status is not ("unhealthy" or "off");

    private static LiftInterval Interval(LiftNumber number) => new(number.Estimate, number.StandardError, number.Lower, number.Upper, number.Method, number.Note);
}

/// <summary>
/// All measured campaigns side by side: Figure 4 of the PIMM paper, the relative improvement of each by delivered lift, beside the
/// headline, which says what the paper's number cannot. Files pool nothing; the page shows the pooled row.
/// </summary>
public sealed record LiftPortfolio(IReadOnlyList<PortfolioCampaign> Campaigns)
{
    private const string Note =
        "Delivered lift compares the customers each model chose; extra core conversions per 1,000 impressions compare everybody eligible. A campaign with a failed health check proves nothing.";

    public static LiftPortfolio Of(IEnumerable<CampaignReport> reports) => new([.. reports.Select(PortfolioCampaign.Of)]);

    /// <summary>How many campaigns the pooled row is the mean of; fewer than two: there is none.</summary>
    [JsonIgnore]
    public int PooledCampaigns => Pool.Count;

    /// <summary>Fixed effect: the mean of the headlines, weighted by 1/SE². Null where fewer than two can be pooled.</summary>
    [JsonIgnore]
    public LiftInterval? PooledHeadline =>
        Pooled(Pool.Select(campaign => (campaign.Headline.Estimate!.Value, campaign.Headline.StandardError!.Value)), value => value, "fixed-effect");

    /// <summary>The same of the delivered lifts on the logarithm of the ratio, where their intervals are even.</summary>
    [JsonIgnore]
    public LiftInterval? PooledDelivered =>
        Pooled(Pool.Select(campaign => campaign.DeliveredLift).Where(IsBounded).Select(lift => (Math.Log(1 + lift.Estimate!.Value), (Math.Log(1 + lift.Upper!.Value) - Math.Log(1 + lift.Lower!.Value)) / (2 * Z))), value => Math.Exp(value) - 1, "fixed-effect of the logarithms");

    // Real campaigns with closed windows and passed checks; where there are not two of them, simulated ones.
    private IReadOnlyList<PortfolioCampaign> Pool
    {
        get
        {
            var usable = Campaigns.Where(campaign => campaign is { Closed: true, Healthy: true, Headline: { Estimate: not null, StandardError: > 0 } }).ToLookup(campaign => campaign.Simulated);
            return usable[false].Count() > 1 ? [.. usable[false]] : usable[true].Count() > 1 ? [.. usable[true]] : [];
        }
    }

    private static readonly double Z = Normal.InvCDF(0, 1, 0.975);

    private static bool IsBounded(LiftInterval lift) => lift is { Estimate: > -1, Lower: > -1, Upper: not null } && double.IsFinite(lift.Upper.Value) && lift.Upper > lift.Lower;

    private static LiftInterval? Pooled(IEnumerable<(double Value, double Error)> estimates, Func<double, double> shown, string method)
    {
        var all = estimates.ToList();
        if (all.Count < 2)
            return null;
        double weight = all.Sum(one => 1 / (one.Error * one.Error));
        double mean = all.Sum(one => one.Value / (one.Error * one.Error)) / weight, error = 1 / Math.Sqrt(weight);
        return new LiftInterval(shown(mean), error, shown(mean - (Z * error)), shown(mean + (Z * error)), method, null);
    }

    public string ToJson() => JsonSerializer.Serialize(this, LiftReport.JsonOptions);

    public string ToText()
    {
        var text = new LiftText();
        if (Campaigns.Count == 0)
            text.Line("No campaign has a lift report yet: pimm lift --campaign ID computes one.");
        else
            text.Line($"{"",-32}{"delivered lift",-30}{"extra per 1,000 impressions",-30}verdict");
        foreach (PortfolioCampaign campaign in Campaigns)
            text.Line($"{Name(campaign),-32}{Shown(campaign.DeliveredLift, "relative"),-30}{Shown(campaign.Headline, ""),-30}{Verdict(campaign)}");
        if (Campaigns.Count > 0)
            text.Wrapped(Note, "");
        return text.ToString();
    }

    /// <summary>FILE.md, and the figures in the folder FILE beside it.</summary>
    public void Write(string path) => MarkdownPage.Write(path, Figures(), Page);

    private string Page(string folder)
    {
        var page = new MarkdownPage(folder, Figures());
        page.Line("# Lift of all campaigns");
        page.Line(Note);
        page.Figure("delivered-lift");
        page.Figure("headline");
        page.Table("campaign | | delivered lift | interval | extra per 1,000 impressions | interval | windows | verdict | report", "---|---|---|---|---|---|---|---|---", Campaigns.Select(c =>
            $"{MarkdownCell.Of(c.Campaign)} | {(c.Simulated ? "simulated" : "")} | {Value(c.DeliveredLift.Estimate, "relative")} | {Interval(c.DeliveredLift.Lower, c.DeliveredLift.Upper, "relative")} | "
            + $"{Value(c.Headline.Estimate, "")} | {Interval(c.Headline.Lower, c.Headline.Upper, "")} | {(c.Closed ? "closed" : "open")} | {Verdict(c)} | version {c.Version}, {Time(c.AsOf)} UTC"));
        return page.ToString();
    }

    private IReadOnlyList<(string, SvgChart)> Figures() => Campaigns.Count == 0 ? [] :
    [
        ("delivered-lift", Figure("Relative improvement by campaign", "delivered lift, %", campaign => campaign.DeliveredLift, 100)),
        ("headline", Figure("What the treatment models were worth", "core conversions per 1,000 impressions", campaign => campaign.Headline, 1)),
    ];

    private SvgChart Figure(string title, string axis, Func<PortfolioCampaign, LiftInterval> of, double factor) => new(
        title, LiftFigures.Sentence(Campaigns.Select(c => (c.Label, of(c).Estimate, of(c).Lower, of(c).Upper)), factor),
        new ChartAxis("campaign", Categories: [.. Campaigns.Select(c => LiftFigures.Cut(c.Simulated ? $"{LiftFigures.Cut(c.Campaign)} (sim.)" : c.Campaign))]), new ChartAxis(axis),
        [
            LiftFigures.Zero(Campaigns.Count),
            .. Series("real", c => !c.Simulated && c.Healthy, of, factor), .. Series("simulated", c => c.Simulated && c.Healthy, of, factor),
            .. Series("a health check failed", c => !c.Healthy, of, factor),
        ]);

    private IEnumerable<ChartSeries> Series(string label, Func<PortfolioCampaign, bool> which, Func<PortfolioCampaign, LiftInterval> of, double factor) =>
        Campaigns.Any(which)
            ? [LiftFigures.Bars(label, Campaigns.Select(c => which(c) ? (of(c).Estimate, of(c).Lower, of(c).Upper) : default((double?, double?, double?))), factor)]
            : [];

    /// <summary>A long name is cut, the mark stays.</summary>
    private static string Name(PortfolioCampaign campaign) => campaign.Simulated ? $"{Fit(campaign.Campaign, 19).TrimEnd()} (simulated)" : Fit(campaign.Campaign, 31);

    private static string Shown(LiftInterval interval, string unit) =>
        interval.Estimate is null ? "n/a" : $"{Value(interval.Estimate, unit)} ({Interval(interval.Lower, interval.Upper, unit)})";

    private static string Verdict(PortfolioCampaign campaign) => campaign.Status ?? "none yet";
}
