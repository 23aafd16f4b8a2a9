using Pimm.Core.Allocating;
using Pimm.Core.Lift;
using Pimm.Core.Simulating;
using Pimm.Core.Statistics;
using Pimm.Core.Tests.Lift;

namespace Pimm.Benchmarks;

/// <summary>
/// Mean of one number over repetitions of a campaign, its Monte-Carlo standard error, and how often its interval held the truth; null
/// where it has no interval, or no truth that it is an interval of.
/// </summary>
internal sealed record WorldRow(string World, string Number, double Truth, double Mean, double Error, double StandardDeviation, double? MeanStandardError, double? Coverage)
{
    /// <summary>Distance of the mean from the truth in Monte-Carlo standard errors.</summary>
    public double Distance => (Mean - Truth) / Error;
}

/// <summary>How much less the disagreement set varies than the headline from everybody.</summary>
/// <param name="Overlap">share of the exported whom both policies export, mean of up to twenty splits</param>
internal sealed record VarianceRow(string World, double Overlap, double Headline, double Disagreement)
{
    public double Ratio => Headline / Disagreement;
}

/// <summary>Whole campaigns (best-of split, five waves, exploration, hold-back): the statistic of each number around its truth.</summary>
/// <param name="Deviation">standard deviation of (estimate − truth) ÷ standard error: 1 where the standard error is right, below where it is wide</param>
/// <param name="Outside">share of intervals that miss the truth</param>
internal sealed record WholeRow(string World, string Number, int Campaigns, double MeanZ, double Deviation, double Outside);

/// <summary>Standardised differences of the chosen covariates after a plain hash and after the best of a hundred.</summary>
internal sealed record BalanceRow(int Covariates, int Runs, double Plain, double Best)
{
    public double Ratio => Plain / Best;
}

/// <summary>Campaigns in the simulated market, repeated.</summary>
internal static class CampaignCoverage
{
    public const string DeliveredLift = "delivered lift";

    private const int OverlapSplits = 20;

    private static readonly (string Name, Func<Repetition, Estimate> Of, Func<Repetition, double> Truth)[] Numbers =
    [
        ("extra per 1,000", run => run.Extra, run => run.TrueExtra),
        ("disagreement set", run => run.Disagreement, run => run.TrueExtra),
        ("increment control", run => run.IncrementControl, run => run.TrueIncrementControl),
        ("increment treatment", run => run.IncrementTreatment, run => run.TrueIncrementTreatment),
        ("increments' difference", Difference, run => run.TrueIncrementTreatment - run.TrueIncrementControl),
    ];

    private static readonly (string Name, Func<Repetition, Estimate> Of, Func<Repetition, double> Truth)[] Adjusted =
    [
        ("extra per 1,000, adjusted", run => run.AdjustedExtra ?? Estimate.Unavailable("adjusted", "too few"), run => run.TrueExtra),
        ("disagreement set, adjusted", run => run.AdjustedDisagreement ?? Estimate.Unavailable("adjusted", "too few"), run => run.TrueExtra),
    ];

    /// <summary>The statistical part alone: one wave, plain splits of the same customers, new flags and outcomes each time.</summary>
    public static IEnumerable<WorldRow> World(MarketWorld world, int repetitions, ulong seed)
    {
        Repetition[] runs = new RepeatedCampaign(world, seed).Repeat(repetitions);
        foreach ((string name, Func<Repetition, Estimate> of, Func<Repetition, double> truth) in Numbers)
            yield return Row(world.Name, name, runs, of, runs.Average(truth));
        // A ratio's mean lies above the ratio of the means, its logarithm's does not: eligible lift is judged as ln(1 + lift).
        double rates = Rate(run => run.Treatment) / Rate(run => run.Control);
        yield return Row(world.Name, "eligible lift, ln(1 + lift)", runs, Logarithmic, world.Parameters.Persuasion == 0 ? 0 : Math.Log(rates));
        yield return Row(world.Name, DeliveredLift, runs, run => run.DeliveredLift, 0);

        double Rate(Func<Repetition, Proportion> arm) => runs.Average(run => arm(run).Rate!.Value);
    }

    private static Estimate Logarithmic(Repetition run)
    {
        Estimate lift = ProportionComparison.RelativeLift(run.Control, run.Treatment);
        return lift with
        {
            Value = Math.Log(1 + lift.Value!.Value), Lower = Math.Log(1 + lift.Lower!.Value), Upper = Math.Log(1 + lift.Upper!.Value),
            StandardError = lift.StandardError / (1 + lift.Value),
        };
    }

    /// <summary>Estimators of the report at so many conversions of the control arm: the null world against the known-lift world.</summary>
    public static IEnumerable<CoverageRow> Sized(int conversions, int repetitions, ulong seed)
    {
        const double organic = 0.00816; // mean q of the market, spec/market.md
        int eligible = (int)Math.Round(2 * conversions / organic), impressions = eligible / 20;
        Repetition[] none = new RepeatedCampaign(MarketWorld.Null, seed, eligible, impressions).Repeat(repetitions, adjust: true);
        Repetition[] some = new RepeatedCampaign(MarketWorld.KnownLift, seed, eligible, impressions).Repeat(repetitions, adjust: true);
        foreach ((string name, Func<Repetition, Estimate> of, Func<Repetition, double> truth) in Numbers.Concat(Adjusted))
        {
            double known = some.Average(truth);
            yield return new CoverageRow(name, conversions, none.Average(run => of(run).Upper < 0 ? 1.0 : 0), none.Average(run => of(run).Lower > 0 ? 1.0 : 0),
                some.Average(run => of(run).Excludes(known) == true ? 0.0 : 1), some.Average(run => of(run).Lower > 0 ? 1.0 : 0), none.Average(run => of(run).Lower is null ? 1.0 : 0));
        }
    }

    /// <summary>1000·(n/N)·(Ȳ_T − Ȳ_C) − (inc_T − inc_C): its mean is 0 where n and N are equal, whatever the selection.</summary>
    public static WorldRow Identity(MarketWorld world, int repetitions, ulong seed)
    {
        Repetition[] runs = new RepeatedCampaign(world, seed).Repeat(repetitions);
        return Row(world.Name, "headline − (inc_T − inc_C)", runs, run => new Estimate(run.Extra.Value - Difference(run).Value, null, null, null, "identity"),
            runs.Average(run => run.TrueExtra - run.TrueIncrementTreatment + run.TrueIncrementControl));
    }

    /// <summary>The variances of the headline and of the disagreement set, 1,000 impressions each, over plain splits.</summary>
    public static VarianceRow Variance(string name, RepeatedCampaign campaign, int repetitions)
    {
        Repetition[] runs = campaign.Repeat(repetitions);
        double overlap = Enumerable.Range(0, Math.Min(OverlapSplits, repetitions)).Average(split => Overlap(campaign, split));
        return new VarianceRow(name, overlap, Spread(runs, run => run.Extra), Spread(runs, run => run.Disagreement));
    }

    /// <summary>The share of the exported whom both policies export, in one split.</summary>
    private static double Overlap(RepeatedCampaign campaign, int split)
    {
        byte[] arms = campaign.Arms(split);
        byte[][] plans = campaign.Plans(split, arms);
        return Enumerable.Range(0, arms.Length).Count(i => plans[0][i] == 1 && plans[1][i] == 1) / (2.0 * campaign.Impressions);
    }

    /// <summary>spec/experiments.md: organic conversion logit −4.8 + x, scores x + 1.2ε and x + 0.6ε, each arm's top tenth.</summary>
    public static RepeatedCampaign TopTenth(ulong seed)
    {
        const int eligible = 100_000;
        var stream = new RandomStream(seed, "top tenth");
        var (truths, control, treatment) = (new MarketTruth[eligible], new double[eligible], new double[eligible]);
        for (int i = 0; i < eligible; i++)
        {
            double x = stream.NextNormal();
            truths[i] = new MarketTruth(0, 0, 0, 1 / (1 + Math.Exp(4.8 - x)), 0, 0);
            (control[i], treatment[i]) = (x + 1.2 * stream.NextNormal(), x + 0.6 * stream.NextNormal());
        }
        // A tenth is reached: nine of ten exported, the rest held back.
        return new RepeatedCampaign(truths, control, treatment, seed, (int)(eligible / 20 * (1 - RepeatedCampaign.HoldBackShare)));
    }

    public static IEnumerable<WholeRow> Whole(MarketWorld world, int campaigns, ulong seed)
    {
        string[] keys = [LiftKeys.Extra, LiftKeys.Disagreement, LiftKeys.IncrementControl, LiftKeys.IncrementTreatment];
        var rows = new LiftTruthRow[campaigns][];
        var errors = new double[campaigns][];
        for (int c = 0; c < campaigns; c++)
        {
            LiftReport report = LiftReporter.Report(SimulatedCampaign.Run(world, seed + (ulong)c, new SimulatedCampaignOptions()));
            rows[c] = keys.Select(key => report.Truth!.Single(row => row.Key == key)).ToArray();
            errors[c] = keys.Select(key => report.Number(key).StandardError!.Value).ToArray();
        }
        for (int k = 0; k < keys.Length; k++)
        {
            Moments z = Enumerable.Range(0, campaigns).Aggregate(default(Moments), (m, c) => m.Plus((rows[c][k].Estimate!.Value - rows[c][k].Truth!.Value) / errors[c][k]));
            yield return new WholeRow(world.Name, keys[k], campaigns, z.Mean!.Value, Math.Sqrt(z.Variance!.Value), rows.Average(row => row[k].Covered == true ? 0.0 : 1.0));
        }
    }

    /// <summary>Mean |standardised difference| of the chosen covariates, 50,000 customers.</summary>
    public static BalanceRow Balanced(int covariates, int runs, ulong seed)
    {
        Guid[] customers = Enumerable.Range(0, 50_000).Select(i => CustomerHash.Of($"balance-{seed}-{i}")).ToArray();
        double[][] columns = MarketColumns(seed, customers.Length)[..covariates];
        double plain = 0, best = 0;
        for (int run = 0; run < runs; run++)
        {
            plain += Mean(Splitter.ByHash(customers, $"plain-{run}"));
            best += Mean(Splitter.BestOf(customers, columns, $"best-{run}"));
        }
        return new BalanceRow(covariates, runs, plain / runs, best / runs);

        double Mean(SplitResult split) => Balance.Of(columns, split.Arms.Select(arm => arm == Arm.Treatment).ToArray()).StandardisedDifferences.Average(d => Math.Abs(d!.Value));
    }

    private static double[][] MarketColumns(ulong seed, int count)
    {
        MarketCustomer[] customers = MarketCustomer.DrawMany(seed, 0, count);
        double[] scores = OracleScores.Of(MarketWorld.Base.Control, MarketTruth.OfMany(customers, MarketWorld.Base.Parameters, MarketEffects.Today), seed);
        return [scores, customers.Select(c => c.LogBalance).ToArray(), customers.Select(c => c.Tenure).ToArray()];
    }

    private static Estimate Difference(Repetition run)
    {
        Estimate c = run.IncrementControl, t = run.IncrementTreatment;
        if (c.Value is null || t.Value is null)
            return Estimate.Unavailable("difference", "One arm has no increment.");
        return Estimate.Normal(t.Value!.Value - c.Value!.Value, Math.Sqrt(c.StandardError!.Value * c.StandardError.Value + t.StandardError!.Value * t.StandardError.Value), 0.95, "difference");
    }

    private static WorldRow Row(string world, string name, Repetition[] runs, Func<Repetition, Estimate> of, double truth)
    {
        Estimate[] estimates = runs.Select(of).ToArray();
        double deviation = Spread(runs, of, squared: false);
        bool judged = estimates[0].Lower is not null && name != DeliveredLift;
        return new WorldRow(world, name, truth, estimates.Average(e => e.Value!.Value), deviation / Math.Sqrt(runs.Length), deviation,
            estimates.Average(e => e.StandardError), judged ? estimates.Average(e => e.Excludes(truth) == true ? 0.0 : 1.0) : null);
    }

    private static double Spread(Repetition[] runs, Func<Repetition, Estimate> of, bool squared = true)
    {
        Moments moments = runs.Aggregate(default(Moments), (m, run) => m.Plus(of(run).Value!.Value));
        return squared ? moments.Variance!.Value : Math.Sqrt(moments.Variance!.Value);
    }
}
