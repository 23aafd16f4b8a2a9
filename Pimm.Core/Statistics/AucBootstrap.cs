namespace Pimm.Core.Statistics;

/// <summary>Two models' AUCs on the same rows compared.</summary>
/// <param name="Difference">the first model's AUC − the second's, on the rows as they are</param>
/// <param name="Lower">percentile of the replicates' differences (linear between neighbours)</param>
/// <param name="Upper">percentile of the replicates' differences</param>
/// <param name="PValue">two-sided: 2·(1 + the smaller of #{d* ≤ 0} and #{d* ≥ 0}) / (B + 1), at most 1; never 0</param>
/// <param name="Replicates">B, those in which both classes were drawn</param>
public sealed record AucDifference(double Difference, double Lower, double Upper, double PValue, int Replicates);

/// <summary>
/// A paired bootstrap of AUCs (Efron and Tibshirani 1993, chapters 13 and 16; the +1 of the p as Davison and Hinkley 1997, 4.2.5):
/// each replicate draws rows, or whole customers with all their rows, with replacement, and every model is judged on the same
/// draw. It answers for other customers, the models as they are; for other training data see
/// <see cref="CorrectedResampledTest"/>.
/// </summary>
/// <param name="Auc">one a model, on the rows as they are</param>
/// <param name="Replicates">one array a model, one AUC a replicate; NaN where the draw held one class only</param>
public sealed record AucBootstrap(IReadOnlyList<double> Auc, IReadOnlyList<double[]> Replicates)
{
    public const int DefaultReplicates = 1000;

    /// <summary>
    /// O(n log n) once and O(n) a replicate. The draws depend on the seed, the replicate's number and the number of clusters
    /// alone: other labels, models or threads are judged on the same draws, so the tasks of one table share them.
    /// </summary>
    /// <param name="labels">[N], 0 or 1</param>
    /// <param name="scoresByModel">at least one model, [N] each</param>
    /// <param name="clusters">[N], a number of the row's customer, any values; null: each row on its own</param>
    /// <param name="threads">at most so many at once; null: one a core</param>
    /// <returns>null where only one class is present</returns>
    /// <exception cref="InputException">lengths that differ, a label other than 0 or 1, a NaN score, no model, no replicate</exception>
    public static AucBootstrap? Of(
        byte[] labels, IReadOnlyList<float[]> scoresByModel, int[]? clusters = null, int replicates = DefaultReplicates, ulong seed = 1,
        int? threads = null, CancellationToken cancellationToken = default)
    {
        Check(labels, scoresByModel, clusters, replicates);
        var (units, unitOf) = Units(labels.Length, clusters);
        RankedRows[] models = [.. scoresByModel.Select(scores => new RankedRows(labels, scores, unitOf))];
        int[] once = new int[units];
        Array.Fill(once, 1);
        double[] observed = [.. models.Select(model => model.Auc(once))];
        if (observed.Any(double.IsNaN))
            return null;
        double[][] drawn = [.. models.Select(_ => new double[replicates])];
        ulong stream = RandomStream.Seed(seed, "auc bootstrap", 0);
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads ?? Environment.ProcessorCount, CancellationToken = cancellationToken };
        Parallel.For(0, replicates, options, () => new int[units], (replicate, _, counts) =>
        {
            Draw(new RandomStream(RandomStream.Seed(stream, replicate)), counts);
            for (int model = 0; model < models.Length; model++)
                drawn[model][replicate] = models[model].Auc(counts);
            return counts;
        }, _ => { });
        return new AucBootstrap(observed, drawn);
    }

    /// <summary>The AUC of one model − that of another, by their places in <see cref="Auc"/>.</summary>
    /// <returns>null where no replicate held both classes</returns>
    public AucDifference? Difference(int model, int against, double confidence = 0.95)
    {
        _ = Estimate.CriticalValue(confidence);
        double[] differences = [.. Replicates[model].Zip(Replicates[against], (a, b) => a - b).Where(double.IsFinite).Order()];
        if (differences.Length == 0)
            return null;
        int notAbove = differences.Count(d => d <= 0), notBelow = differences.Count(d => d >= 0);
        double p = Math.Min(1, 2.0 * (1 + Math.Min(notAbove, notBelow)) / (differences.Length + 1));
        double tail = (1 - confidence) / 2;
        return new(Auc[model] - Auc[against], Quantile(differences, tail), Quantile(differences, 1 - tail), p, differences.Length);
    }

    private static double Quantile(double[] sorted, double share)
    {
        double place = share * (sorted.Length - 1);
        int below = (int)place, above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }

    private static void Draw(RandomStream stream, int[] counts)
    {
        Array.Clear(counts);
        for (int i = 0; i < counts.Length; i++)
            counts[stream.NextInt(counts.Length)]++;
    }

    /// <summary>Clusters numbered 0, 1, … in the order of their first row.</summary>
    private static (int Units, int[] UnitOf) Units(int rows, int[]? clusters)
    {
        if (clusters is null)
            return (rows, [.. Enumerable.Range(0, rows)]);
        var numbers = new Dictionary<int, int>();
        int[] unitOf = new int[rows];
        for (int row = 0; row < rows; row++)
        {
            if (!numbers.TryGetValue(clusters[row], out int unit))
                numbers.Add(clusters[row], unit = numbers.Count);
            unitOf[row] = unit;
        }
        return (numbers.Count, unitOf);
    }

    private static void Check(byte[] labels, IReadOnlyList<float[]> scoresByModel, int[]? clusters, int replicates)
    {
        if (scoresByModel.Count == 0)
            throw new InputException("No model's scores were given; give those of at least one.");
        if (replicates < 1)
            throw new InputException($"{replicates} replicates were asked for; ask for at least 1, for example {DefaultReplicates}.");
        if (clusters is not null && clusters.Length != labels.Length)
            throw new InputException($"{clusters.Length} clusters were given with {labels.Length} labels; give one cluster for each label.");
        if (labels.Length > RankedRows.MostRows)
            throw new InputException($"{labels.Length} rows are too many for the bootstrap; give at most {RankedRows.MostRows}.");
        foreach (float[] scores in scoresByModel)
            RankingMetrics.CheckPairs(labels, scores, "score");
    }
}
