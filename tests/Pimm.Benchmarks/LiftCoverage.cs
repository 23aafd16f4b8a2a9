using System.Runtime.InteropServices;
using Pimm.Core.Simulating;
using Pimm.Core.Statistics;
using Pimm.Core.Tests.Lift;

namespace Pimm.Benchmarks;

/// <summary>How often everything is repeated; the defaults are those of docs/results.md.</summary>
/// <param name="Rates">plain splits of rates; default 20,000</param>
/// <param name="Looks">of these for the sequential bounds, thirty looks each; default 20,000</param>
/// <param name="Campaigns">campaigns of one wave, the statistical part alone; default 2,000</param>
/// <param name="Variances">campaigns for the two variances; default 500</param>
/// <param name="Splits">splits for the balance; default 200</param>
/// <param name="Whole">whole campaigns with best-of split, five waves and exploration; default 400</param>
internal sealed record CoverageSettings(ulong Seed = 1, int Rates = 20_000, int Looks = 20_000, int Campaigns = 2_000, int Variances = 500, int Splits = 200, int Whole = 400)
{
    /// <summary>The same with every number multiplied, at least 20 of each.</summary>
    public CoverageSettings Times(double share) => new(Seed, Part(Rates, share), Part(Looks, share), Part(Campaigns, share), Part(Variances, share), Part(Splits, share), Part(Whole, share));

    private static int Part(int number, double share) => Math.Max(20, (int)Math.Round(number * share));
}

/// <summary>A target: the value lies between least and most where these are given.</summary>
internal sealed record CoverageBound(string What, double Value, double? Least, double? Most)
{
    public bool Held => !(Value < Least || Value > Most) && !double.IsNaN(Value);
}

/// <summary>Everything that the benchmark measured, as it is printed with --json.</summary>
internal sealed record LiftCoverage(
    string Bench, string Machine, CoverageSettings Settings, double Effect, IReadOnlyList<CoverageRow> Intervals, IReadOnlyList<SequentialRow> Sequential,
    IReadOnlyList<CoverageRow> Campaigns, IReadOnlyList<WorldRow> Worlds, WorldRow Identity, IReadOnlyList<VarianceRow> Variances,
    IReadOnlyList<BalanceRow> Balance, IReadOnlyList<WholeRow> Whole, IReadOnlyList<CoverageBound> Bounds)
{
    /// <summary>Of the A/B repetitions: conversions per treatment customer against control.</summary>
    private const double Lift = 0.3;

    private const string ConversionsClock = "conversions' clock (Beta mixture)";

    private const string CustomersClock = "customers' clock (normal mixture)";

    private const string Others = "for comparison: delta scale, N* = 5,000 customers";

    private static readonly int[] Sizes = [10, 40, 200];

    private static readonly ConfidenceLevel TwoSided = new();

    /// <summary>The first is what the report chooses; truth is the relative lift, for differences the lift times the market's mean chance.</summary>
    private static readonly (string Name, bool Difference, Func<Proportion, Proportion, Estimate> Of)[] Estimators =
    [
        ("relative lift, default", false, (c, t) => ProportionComparison.RelativeLift(c, t)),
        ("relative lift, log risk ratio", false, (c, t) => LogRiskRatio.Lift(c, t).Estimate),
        ("relative lift, log risk ratio adjusted", false, (c, t) => LogRiskRatio.Adjusted(c, t).Estimate),
        ("relative lift, Koopman", false, (c, t) => Koopman.Lift(c, t)),
        ("relative lift, delta", false, (c, t) => MeanComparison.DeltaLift(c.Sample!.Value, t.Sample!.Value).Estimate),
        ("relative lift, Fieller", false, (c, t) => MeanComparison.FiellerLift(c.Sample!.Value, t.Sample!.Value).Estimate),
        ("difference, Newcombe", true, (c, t) => ProportionComparison.Newcombe(c, t)),
        ("difference, Wald", true, (c, t) => ProportionComparison.Wald(c, t).Estimate),
        ("difference, Agresti–Caffo", true, (c, t) => ProportionComparison.AgrestiCaffo(c, t).Estimate),
        ("difference, Miettinen–Nurminen", true, (c, t) => MiettinenNurminen.Difference(c, t)),
    ];

    public static LiftCoverage Measure(CoverageSettings settings, Action<string> tell)
    {
        var (intervals, sequential, campaigns) = (new List<CoverageRow>(), new List<SequentialRow>(), new List<CoverageRow>());
        foreach (int size in Sizes)
        {
            tell($"plain splits with {size} conversions an arm");
            var rates = new RateCoverage(settings.Seed, size);
            intervals.AddRange(rates.Intervals(settings.Rates, Lift, [.. Estimators.Select(e => (e.Name, e.Difference ? Lift * rates.MeanChance : Lift, e.Of))]));
            sequential.Add(rates.Sequential(ConversionsClock, settings.Looks, Lift, arriving: false, Conversions(2 * size)));
            sequential.Add(rates.Sequential(CustomersClock, settings.Looks, Lift, arriving: true, Customers(rates.Customers)));
            sequential.Add(rates.Sequential(Others, settings.Looks, Lift, arriving: true, DeltaScale));
            tell($"campaigns with {size} conversions an arm");
            campaigns.AddRange(CampaignCoverage.Sized(size, settings.Campaigns, settings.Seed));
        }
        tell("worlds");
        WorldRow[] worlds = [.. new[] { MarketWorld.Null, MarketWorld.Base, MarketWorld.Harvest }.SelectMany(world => CampaignCoverage.World(world, settings.Campaigns, settings.Seed))];
        WorldRow identity = CampaignCoverage.Identity(MarketWorld.Base, settings.Campaigns, settings.Seed);
        tell("variances");
        VarianceRow[] variances =
        [
            CampaignCoverage.Variance("logit −4.8 + x, top tenth", CampaignCoverage.TopTenth(settings.Seed), settings.Variances),
            CampaignCoverage.Variance("base market", new RepeatedCampaign(MarketWorld.Base, settings.Seed), settings.Variances),
        ];
        tell("balance");
        BalanceRow[] balance = [.. Enumerable.Range(1, 3).Select(k => CampaignCoverage.Balanced(k, settings.Splits, settings.Seed))];
        tell("whole campaigns");
        WholeRow[] whole = [.. CampaignCoverage.Whole(MarketWorld.Null, settings.Whole, 1_000 * settings.Seed)];
        string machine = $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, {RuntimeInformation.FrameworkDescription}";
        return new LiftCoverage("lift-coverage", machine, settings, Lift, intervals, sequential, campaigns, worlds, identity, variances, balance, whole,
            [.. BoundsOf(intervals, sequential, worlds, identity, variances, balance)]);
    }

    private static Func<Proportion, Proportion, (double?, double?)> Conversions(int planned) => (control, treatment) =>
    {
        SequentialResult look = SequentialCounts.Look(control, treatment, planned);
        return (look.Lower, look.Upper);
    };

    private static Func<Proportion, Proportion, (double?, double?)> Customers(int planned) => (control, treatment) =>
        Math.Min(control.Conversions, treatment.Conversions) < SequentialCounts.FewestConversions ? (null, null)
        : BoundsOf(SequentialEstimate.OfRatio(LogRiskRatio.Lift(control, treatment).Estimate, control.N + treatment.N, planned, TwoSided));

    /// <summary>What others do: the boundary on the lopsided delta scale, tuned to 5,000 customers whatever the plan.</summary>
    private static (double?, double?) DeltaScale(Proportion control, Proportion treatment) =>
        Math.Min(control.Conversions, treatment.Conversions) == 0 ? (null, null)
        : BoundsOf(SequentialEstimate.Of(MeanComparison.DeltaLift(control.Sample!.Value, treatment.Sample!.Value).Estimate, control.N + treatment.N, 5_000, TwoSided));

    private static (double?, double?) BoundsOf(SequentialEstimate look) => (look.Estimate.Lower, look.Estimate.Upper);

    /// <summary>What the experiment engine promised.</summary>
    private static IEnumerable<CoverageBound> BoundsOf(
        List<CoverageRow> intervals, List<SequentialRow> sequential, WorldRow[] worlds, WorldRow identity, VarianceRow[] variances, BalanceRow[] balance)
    {
        foreach (CoverageRow row in intervals.Where(row => row.Estimator == Estimators[0].Name && row.Conversions >= 40))
        {
            yield return new CoverageBound($"default lift interval, {row.Conversions} conversions: false positives", row.FalsePositives, 0.04, 0.06);
            yield return new CoverageBound($"default lift interval, {row.Conversions} conversions: larger tail", Math.Max(row.Below, row.Above), null, 0.032);
        }
        foreach (SequentialRow row in sequential.Where(row => row.Bounds != Others))
            yield return new CoverageBound($"always valid, {row.Bounds}, {row.Conversions} conversions: false positives over {row.Looks} looks", row.FalsePositives, null, 0.05);
        foreach (SequentialRow row in sequential.Where(row => row is { Conversions: 200, Bounds: ConversionsClock or CustomersClock }))
            yield return new CoverageBound($"always valid, {row.Bounds}, {row.Conversions} conversions: power at +30 %", row.Power, 0.45, null);
        foreach (WorldRow row in worlds.Where(row => row.World == "null" && row.Number != CampaignCoverage.DeliveredLift))
            yield return new CoverageBound($"null world: {row.Number}, Monte-Carlo errors from 0", Math.Abs(row.Distance), null, 3);
        WorldRow Of(string world, string number) => worlds.Single(row => row.World == world && row.Number == number);
        yield return new CoverageBound("null world: delivered lift, Monte-Carlo errors from 0", Of("null", CampaignCoverage.DeliveredLift).Distance, 5, null);
        yield return new CoverageBound("harvest world: delivered lift", Of("harvest", CampaignCoverage.DeliveredLift).Mean, null, 0);
        yield return new CoverageBound("harvest world: extra per 1,000", Of("harvest", "extra per 1,000").Mean, 0, null);
        yield return new CoverageBound("identity of headline and increments, Monte-Carlo errors", Math.Abs(identity.Distance), null, 3);
        yield return new CoverageBound($"{variances[0].World}: overlap of the lists", variances[0].Overlap, 0.30, 0.40);
        yield return new CoverageBound($"{variances[0].World}: variance of the headline ÷ the disagreement set's", variances[0].Ratio, 2.5, null);
        yield return new CoverageBound($"{variances[1].World}: variance of the headline ÷ the disagreement set's", variances[1].Ratio, 3.5, null);
        foreach ((BalanceRow row, double least) in balance.Zip([20.0, 7, 4]))
            yield return new CoverageBound($"best of a hundred, {row.Covariates} covariates: standardised difference of a plain hash ÷ of the best", row.Ratio, least, null);
    }
}
