using MathNet.Numerics;

namespace Pimm.Core.Statistics;

/// <summary>
/// The sample ratio test that may be read after every step (Lindon and Malek 2020): a Bayes factor of shares from a Dirichlet
/// distribution against the planned shares, multiplied up step by step; 1 over it is an always-valid p.
/// </summary>
/// <param name="LogBayesFactor">after each step, natural logarithm; above 0 speaks for a mismatch</param>
/// <param name="PValue">after each step, the smallest 1/Bayes factor so far, at most 1</param>
public sealed record SequentialSampleRatio(IReadOnlyList<double> LogBayesFactor, IReadOnlyList<double> PValue)
{
    /// <summary>The prior's weight in customers: shares this far from the plan are expected that 10,000 customers would show.</summary>
    public const double Concentration = 10_000;

    /// <param name="rows">new customers of each group in each step, not cumulative</param>
    /// <param name="weights">positive, need not sum to 1</param>
    /// <param name="prior">Dirichlet parameters, positive, one a group; 10,000 × the planned shares where null</param>
    /// <exception cref="InputException">steps of another number of groups, negative counts, weights or priors that are not positive</exception>
    public static SequentialSampleRatio Of(IReadOnlyList<long[]> rows, IReadOnlyList<double> weights, IReadOnlyList<double>? prior = null)
    {
        double[] shares = SampleRatio.Shares(weights, weights.Count);
        double[] alpha = prior is null ? [.. shares.Select(share => Concentration * share)] : [.. prior];
        if (alpha.Length != shares.Length || alpha.Any(a => !(a > 0) || !double.IsFinite(a)))
            throw new InputException($"The prior needs {shares.Length} positive, finite numbers, one for each weight.");
        var (factors, pValues) = (new double[rows.Count], new double[rows.Count]);
        double log = 0, smallest = 1;
        for (int step = 0; step < rows.Count; step++)
        {
            log += Step(rows[step], step, shares, alpha);
            factors[step] = log;
            pValues[step] = smallest = Math.Min(smallest, Math.Exp(-log));
        }
        return new SequentialSampleRatio(factors, pValues);
    }

    /// <summary>ln Dirichlet-multinomial − ln multinomial of one step (their coefficients cancel); the step's counts go into alpha.</summary>
    private static double Step(long[] row, int step, double[] shares, double[] alpha)
    {
        if (row.Length != shares.Length || row.Any(count => count < 0))
            throw new InputException($"Step {step + 1} has {row.Length} counts; it needs {shares.Length}, one for each weight, none negative.");
        double before = alpha.Sum(), log = SpecialFunctions.GammaLn(before) - SpecialFunctions.GammaLn(before + row.Sum());
        for (int i = 0; i < row.Length; i++)
        {
            log += SpecialFunctions.GammaLn(alpha[i] + row[i]) - SpecialFunctions.GammaLn(alpha[i]) - row[i] * Math.Log(shares[i]);
            alpha[i] += row[i];
        }
        return log;
    }
}
