namespace Pimm.Core.Statistics;

/// <summary>
/// p-values of several tests adjusted so that comparing each with α keeps the promise for all of them: of the family-wise error
/// (Bonferroni; Holm 1979; Holm–Šidák; Hochberg 1988) or of the false discovery rate (Benjamini and Hochberg 1995; Benjamini and
/// Yekutieli 2001). Each takes p in [0, 1], in any order, and answers in that order; none gives none.
/// </summary>
public static class Multiplicity
{
    /// <summary>m·p: under any dependence, and the least powerful.</summary>
    public static double[] Bonferroni(IReadOnlyList<double> pValues) => [.. Checked(pValues).Select(p => Math.Min(1, pValues.Count * p))];

    /// <summary>Step down, (m − k + 1)·p of the k-th smallest: under any dependence, never weaker than Bonferroni's.</summary>
    public static double[] Holm(IReadOnlyList<double> pValues) => StepDown(pValues, (p, left) => left * p);

    /// <summary>Step down, 1 − (1 − p)^(m − k + 1): independent or positively dependent tests.</summary>
    public static double[] HolmSidak(IReadOnlyList<double> pValues) =>
        // Through the logarithm, so that a small p is not lost against 1.
        StepDown(pValues, (p, left) => p >= 1 ? 1 : -NearZero.ExpMinusOne(left * NearZero.LogOnePlus(-p)));

    /// <summary>Step up, (m − k + 1)·p of the k-th smallest: independent or positively dependent tests.</summary>
    public static double[] Hochberg(IReadOnlyList<double> pValues) => StepUp(pValues, (p, rank) => (pValues.Count - rank + 1) * p);

    /// <summary>Step up, m·p/k: the false discovery rate of independent or positively dependent tests.</summary>
    public static double[] BenjaminiHochberg(IReadOnlyList<double> pValues) => StepUp(pValues, (p, rank) => pValues.Count * p / rank);

    /// <summary>Step up, m·p/k·(1 + 1/2 + … + 1/m): the false discovery rate under any dependence.</summary>
    public static double[] BenjaminiYekutieli(IReadOnlyList<double> pValues)
    {
        double harmonic = Enumerable.Range(1, pValues.Count).Sum(k => 1.0 / k);
        return StepUp(pValues, (p, rank) => harmonic * pValues.Count * p / rank);
    }

    private static double[] StepDown(IReadOnlyList<double> pValues, Func<double, int, double> adjust)
    {
        int[] order = Order(pValues);
        var adjusted = new double[pValues.Count];
        double largest = 0;
        for (int rank = 0; rank < order.Length; rank++)
            adjusted[order[rank]] = largest = Math.Max(largest, Math.Min(1, adjust(pValues[order[rank]], order.Length - rank)));
        return adjusted;
    }

    private static double[] StepUp(IReadOnlyList<double> pValues, Func<double, int, double> adjust)
    {
        int[] order = Order(pValues);
        var adjusted = new double[pValues.Count];
        double smallest = 1;
        for (int rank = order.Length; rank >= 1; rank--)
            adjusted[order[rank - 1]] = smallest = Math.Min(smallest, adjust(pValues[order[rank - 1]], rank));
        return adjusted;
    }

    private static int[] Order(IReadOnlyList<double> pValues) => [.. Enumerable.Range(0, Checked(pValues).Count).OrderBy(i => pValues[i])];

    private static IReadOnlyList<double> Checked(IReadOnlyList<double> pValues)
    {
        for (int i = 0; i < pValues.Count; i++)
            if (!(pValues[i] >= 0 && pValues[i] <= 1))
                throw new InputException(FormattableString.Invariant($"p-value {i + 1} is {pValues[i]}; give numbers from 0 to 1."));
        return pValues;
    }
}
