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
        CheckPrior(alpha, shares.Length);
        var (factors, pValues) = (new double[rows.Count], new double[rows.Count]);
        double log = 0, smallest = 1, customers = 0;
        for (int step = 0; step < rows.Count; step++)
        {
            SampleRatio.CheckTotal(customers += rows[step].Sum(count => (double)count));
            log += Step(rows[step], step, shares, alpha);
            factors[step] = log;
            pValues[step] = smallest = Math.Min(smallest, Math.Exp(-log));
        }
        return new SequentialSampleRatio(factors, pValues);
    }

    private static void CheckPrior(double[] prior, int groups)
    {
        if (prior.Length != groups)
            throw new InputException($"The prior has {(prior.Length == 1 ? "1 number" : $"{prior.Length} numbers")}; it needs {groups}, one for each weight.");
        for (int i = 0; i < groups; i++)
            if (!(prior[i] > 0) || !double.IsFinite(prior[i]))
                throw new InputException(FormattableString.Invariant($"Number {i + 1} of the prior is {prior[i]}; give positive, finite numbers, for example {Concentration:0} times the planned share."));
        if (!double.IsFinite(prior.Sum()))
            throw new InputException("The prior sums to more than a double can hold; give smaller numbers.");
    }

    /// <summary>ln Dirichlet-multinomial − ln multinomial of one step (their coefficients cancel); the step's counts go into alpha.</summary>
    private static double Step(long[] row, int step, double[] shares, double[] alpha)
    {
        if (row.Length != shares.Length || row.Any(count => count < 0))
            throw new InputException($"Step {step + 1} has {row.Length} counts; it needs {shares.Length}, one for each weight, none negative.");
        double before = alpha.Sum(), customers = row.Sum(count => (double)count), log = -RisingPower.LogOverPower(before, customers);
        for (int i = 0; i < row.Length; i++)
        {
            log += RisingPower.LogOverPower(alpha[i], row[i]) + row[i] * Math.Log(alpha[i] / before / shares[i]);
            alpha[i] += row[i];
        }
        return log;
    }
}
