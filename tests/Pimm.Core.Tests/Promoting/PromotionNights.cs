using Pimm.Core.Promoting;
using Pimm.Core.Statistics;

namespace Pimm.Core.Tests.Promoting;

/// <summary>A stretch of nights in which explored impressions become known.</summary>
/// <param name="Nights">nights looked at</param>
/// <param name="Window">days until an impression's window closes: the first night has the rows of so many days ago</param>
/// <param name="Impressions">N of a wave, in each of two arms</param>
/// <param name="RowsACustomer">rows of one customer over all nights; a model errs alike on all of them</param>
internal sealed record NightSettings(int Nights = 60, int Window = 14, int Impressions = 20_000, double Exploration = 0.05, int RowsACustomer = 1)
{
    public int Rows => (int)(2 * Exploration * Impressions);

    public int NightsWithRows => Nights - Window;

    public int Customers => Rows * NightsWithRows / RowsACustomer;
}

/// <summary>What came of many repetitions of a comparison of two lines.</summary>
/// <param name="ReadyNights">the night of each repetition whose challenger was found better</param>
internal sealed record LineNights(int Repetitions, IReadOnlyList<int> ReadyNights)
{
    public double Share => (double)ReadyNights.Count / Repetitions;

    public double ShareBy(int night) => (double)ReadyNights.Count(ready => ready <= night) / Repetitions;

    /// <summary>The night by which so many of all repetitions had found it; null where fewer ever did.</summary>
    public int? NightOf(double share)
    {
        int rank = (int)Math.Ceiling(share * Repetitions);
        return rank > ReadyNights.Count ? null : ReadyNights.Order().ElementAt(Math.Max(0, rank - 1));
    }
}

/// <summary>What came of many repetitions of nightly refreshes.</summary>
/// <param name="FirstNights">the night of each repetition's first promotion</param>
/// <param name="LossAlone">repetitions in which any night passed the condition on the log loss, whatever the calibration</param>
internal sealed record RefreshNights(int Repetitions, IReadOnlyList<int> FirstNights, int LossAlone)
{
    public double Share => (double)FirstNights.Count / Repetitions;

    public double LossShare => (double)LossAlone / Repetitions;
}

/// <summary>Plays nights of promotion with models whose quality is known, by the product's own rules.</summary>
internal sealed class PromotionNights(NoisyTruth truth, PromotingOptions options, ulong seed)
{
    private static readonly string[] Stages = ["click", "conversion", "core_conversion"];

    /// <summary>The challenger line against the incumbent, each night's new rows counted once.</summary>
    /// <param name="topShare">null: explored rows; else rows of the incumbent's own highest scores, this share of all</param>
    public LineNights Lines(NightSettings settings, double incumbent, double challenger, int repetitions, double? topShare = null)
    {
        NoisyModel first = truth.Model(incumbent), second = truth.Model(challenger);
        double least = topShare is { } share ? LeastScore(first, share) : double.NegativeInfinity;
        var rule = new LineRule(options);
        int[] ready = new int[repetitions];
        Parallel.For(0, repetitions, repetition =>
        {
            var stream = new RandomStream(RandomStream.Seed(seed, "lines", repetition));
            DifferenceSums total = DifferenceSums.None;
            for (int night = settings.Window + 1; night <= settings.Nights && ready[repetition] == 0; night++)
            {
                var rows = new JudgedRows(Stages);
                for (int row = 0; row < settings.Rows; row++)
                    Add(rows, stream, first, second, least);
                total = total.Plus(rows.Sums());
                if (rule.Judge("challenger", "incumbent", total).Ready)
                    ready[repetition] = night;
            }
        });
        return new LineNights(repetitions, [.. ready.Where(night => night > 0)]);
    }

    /// <summary>
    /// What is done where the bias is not known: two equally good lines on rows of the incumbent's own highest scores, AUC of the last
    /// stage, every night's difference one value, the challenger better once a one-sided t-test at 5 % says so, from the fifth night on.
    /// </summary>
    public LineNights NaiveOnTop(NightSettings settings, double noise, double topShare, int repetitions)
    {
        NoisyModel model = truth.Model(noise);
        double least = LeastScore(model, topShare);
        int[] ready = new int[repetitions];
        Parallel.For(0, repetitions, repetition =>
        {
            var (stream, differences) = (new RandomStream(RandomStream.Seed(seed, "naive", repetition)), new Moments(0, 0, 0));
            for (int night = settings.Window + 1; night <= settings.Nights && ready[repetition] == 0; night++)
            {
                if (TopDifference(model, stream, least, settings.Rows) is { } difference)
                    differences = differences.Plus(difference);
                if (differences is { N: >= 5, Variance: > 0 } && differences.Mean / Math.Sqrt(differences.Variance.Value / differences.N)
                    > MathNet.Numerics.Distributions.StudentT.InvCDF(0, 1, differences.N - 1, 0.95))
                    ready[repetition] = night;
            }
        });
        return new LineNights(repetitions, [.. ready.Where(night => night > 0)]);
    }

    private double? TopDifference(NoisyModel model, RandomStream stream, double least, int rows)
    {
        var (labels, mine, theirs) = (new byte[rows], new float[rows], new float[rows]);
        for (int row = 0; row < rows; row++)
        {
            KnownRow drawn = Draw(stream, model, least);
            double logit = truth.Logits[drawn.Customer * NoisyTruth.Stages + NoisyTruth.Stages - 1];
            labels[row] = (byte)(drawn.Reached == NoisyTruth.Stages ? 1 : 0);
            (mine[row], theirs[row]) = ((float)model.Score(logit, drawn.Noise), (float)model.Score(logit, stream.NextNormal()));
        }
        return RankingMetrics.Auc(labels, theirs) - RankingMetrics.Auc(labels, mine);
    }

    /// <summary>A refresh a night, each with noise of its own, judged on all rows so far; a promotion does not change the champion's quality.</summary>
    /// <param name="apart">count every row as a customer of its own, which it is not where customers have several</param>
    public RefreshNights Refreshes(NightSettings settings, double champion, double version, int repetitions, bool apart = false)
    {
        NoisyModel first = truth.Model(champion), second = truth.Model(version);
        var rule = new PromotionRule(options);
        var (promoted, passed) = (new int[repetitions], new bool[repetitions]);
        Parallel.For(0, repetitions, repetition =>
        {
            var stream = new RandomStream(RandomStream.Seed(seed, "refreshes", repetition));
            var (rows, spent) = (new List<KnownRow>(), 0.0);
            double[]? errors = settings.RowsACustomer == 1 ? null : Errors(stream, settings.Customers);
            for (int night = settings.Window + 1; night <= settings.Nights; night++)
            {
                for (int row = 0; row < settings.Rows; row++)
                    rows.Add(errors is null ? Draw(stream, first, double.NegativeInfinity) with { Owner = rows.Count } : DrawAgain(stream, errors));
                // Below, the rule says no without a comparison.
                if (rows.Count(row => row.Reached == NoisyTruth.Stages) < options.MinimumPositives)
                    continue;
                PromotionDecision decision = rule.Decide(night, 1, Judge(rows, stream, first, second, errors?.Length, apart).Evidence(), spent);
                spent += decision.Alpha;
                passed[repetition] |= decision.PValue < decision.Alpha;
                if (decision.Promotes && promoted[repetition] == 0)
                    promoted[repetition] = night;
            }
        });
        return new RefreshNights(repetitions, [.. promoted.Where(night => night > 0)], passed.Count(yes => yes));
    }

    /// <summary>
    /// The night by which the share of runs should have found the challenger better, by its data alone: enough positives of the last
    /// stage, a Poisson number, and the boundary's power. Null: not within the nights.
    /// </summary>
    public int? PlannedNight(NightSettings settings, (double Mean, double Deviation) difference, double share)
    {
        StoppingPlan plan = StoppingPlan.Of(
            -difference.Mean * Math.Sqrt(settings.Rows) / difference.Deviation, settings.Rows, new LineRule(options).Boundary(), settings.NightsWithRows);
        double positives = settings.Rows * truth.Rate(NoisyTruth.Stages - 1);
        for (int day = 1; day <= settings.NightsWithRows; day++)
            if (plan.StoppedBy[day - 1] * (1 - MathNet.Numerics.Distributions.Poisson.CDF(positives * day, options.MinimumPositives - 1)) >= share)
                return settings.Window + day;
        return null;
    }

    /// <summary>The difference of a row's joint log loss, challenger less incumbent, and its deviation: what a power plan needs.</summary>
    public (double Mean, double Deviation) Difference(double incumbent, double challenger, int rows)
    {
        NoisyModel first = truth.Model(incumbent), second = truth.Model(challenger);
        var (stream, judged) = (new RandomStream(seed, "difference"), new JudgedRows(Stages));
        for (int row = 0; row < rows; row++)
            Add(judged, stream, first, second, double.NegativeInfinity);
        (double mean, double error) = judged.Sums().Estimate()!.Value;
        return (mean, error * Math.Sqrt(rows));
    }

    /// <summary>Both models' expected AUC of the last stage on rows of the first's own highest scores.</summary>
    public (double Incumbent, double Challenger) AucOnTop(double noise, double topShare, int rows)
    {
        NoisyModel model = truth.Model(noise);
        var (stream, least) = (new RandomStream(seed, "top"), LeastScore(model, topShare));
        var (chances, mine, theirs) = (new double[rows], new float[rows], new float[rows]);
        for (int row = 0; row < rows; row++)
        {
            KnownRow drawn = Draw(stream, model, least);
            int last = drawn.Customer * NoisyTruth.Stages + NoisyTruth.Stages - 1;
            chances[row] = truth.Probabilities[last];
            mine[row] = (float)model.Score(truth.Logits[last], drawn.Noise);
            theirs[row] = (float)model.Score(truth.Logits[last], stream.NextNormal());
        }
        return (RankingMetrics.ExpectedAuc(chances, mine)!.Value, RankingMetrics.ExpectedAuc(chances, theirs)!.Value);
    }

    private readonly record struct KnownRow(int Customer, int Reached, double Noise, int Owner = 0);

    private void Add(JudgedRows rows, RandomStream stream, NoisyModel first, NoisyModel second, double least) =>
        Add(rows, rows.Rows, Draw(stream, first, least), first, second, stream.NextNormal());

    /// <param name="owners">how many customers the rows are of; null: as many as rows</param>
    private JudgedRows Judge(List<KnownRow> known, RandomStream stream, NoisyModel first, NoisyModel second, int? owners, bool apart)
    {
        var (rows, errors) = (new JudgedRows(Stages), owners is { } many ? Errors(stream, many) : null);
        foreach (KnownRow row in known)
            Add(rows, apart ? rows.Rows : row.Owner, row, first, second, errors?[row.Owner] ?? stream.NextNormal());
        return rows;
    }

    private static double[] Errors(RandomStream stream, int customers) => [.. Enumerable.Range(0, customers).Select(_ => stream.NextNormal())];

    private void Add(JudgedRows rows, long number, KnownRow row, NoisyModel first, NoisyModel second, double noise)
    {
        Span<float> champion = stackalloc float[NoisyTruth.Stages], version = stackalloc float[NoisyTruth.Stages];
        for (int stage = 0; stage < NoisyTruth.Stages; stage++)
        {
            double logit = truth.Logits[row.Customer * NoisyTruth.Stages + stage];
            champion[stage] = first.Predict(stage, logit, row.Noise);
            version[stage] = second.Predict(stage, logit, noise);
        }
        rows.Add(new Guid((int)number, 0, 0, new byte[8]), row.Reached, champion, version);
    }

    /// <summary>A customer whose score by the first model is at least this, that model's noise on it, and what came of the impression.</summary>
    private KnownRow Draw(RandomStream stream, NoisyModel first, double least)
    {
        while (true)
        {
            int customer = stream.NextInt(truth.Customers), at = customer * NoisyTruth.Stages;
            double noise = stream.NextNormal();
            if (first.Score(truth.Logits[at + NoisyTruth.Stages - 1], noise) < least)
                continue;
            return new KnownRow(customer, Reached(stream, at), noise);
        }
    }

    /// <summary>An impression of one of so many customers, on each of whom the champion has the same error every time.</summary>
    private KnownRow DrawAgain(RandomStream stream, double[] errors)
    {
        int owner = stream.NextInt(errors.Length), customer = owner % truth.Customers;
        return new KnownRow(customer, Reached(stream, customer * NoisyTruth.Stages), errors[owner], owner);
    }

    private int Reached(RandomStream stream, int at)
    {
        double chance = stream.NextDouble();
        int reached = 0;
        while (reached < NoisyTruth.Stages && chance < truth.Probabilities[at + reached])
            reached++;
        return reached;
    }

    private double LeastScore(NoisyModel model, double share)
    {
        var stream = new RandomStream(seed, "threshold");
        double[] scores = [.. Enumerable.Range(0, truth.Customers).Select(customer =>
            model.Score(truth.Logits[customer * NoisyTruth.Stages + NoisyTruth.Stages - 1], stream.NextNormal())).OrderDescending()];
        return scores[(int)(share * scores.Length)];
    }
}
