using MathNet.Numerics.LinearAlgebra;

namespace Pimm.Core.Statistics;

/// <summary>
/// How alike two groups are. Mahalanobis: M = (n_T·n_C/n)·d'S⁻¹d with d the difference of the covariates' means and S their
/// covariance over everybody (Morgan and Rubin 2012); PValue its χ² tail with Covariates degrees of freedom, without meaning
/// after a selection for balance. StandardisedDifferences: d over √((s²_T + s²_C)/2), one each covariate, null where nothing varies.
/// </summary>
public sealed record Balance(double? Mahalanobis, double? PValue, int Covariates, IReadOnlyList<double?> StandardisedDifferences)
{
    /// <summary>One array each covariate, and for every customer whether it is in the treatment.</summary>
    public static Balance Of(IReadOnlyList<double[]> covariates, ReadOnlySpan<bool> treated)
    {
        BalanceGeometry geometry = new(covariates, treated.Length);
        double?[] differences = covariates.Select((_, c) => (double?)null).ToArray();
        for (int c = 0; c < covariates.Count; c++)
            differences[c] = StandardisedDifference(covariates[c], treated);
        double? distance = geometry.Dimensions == 0 ? null : geometry.Mahalanobis(treated);
        return new Balance(distance, distance is { } m ? Estimate.ChiSquareTail(m, geometry.Dimensions) : null, geometry.Dimensions, differences);
    }

    private static double? StandardisedDifference(double[] column, ReadOnlySpan<bool> treated)
    {
        // Sums of squares about a common point, so that a large mean costs no digits.
        double shift = column.Length == 0 ? 0 : column[0];
        Moments control = default, treatment = default;
        for (int i = 0; i < column.Length; i++)
            if (treated[i])
                treatment = treatment.Plus(column[i] - shift);
            else
                control = control.Plus(column[i] - shift);
        if (control.Variance is not { } c || treatment.Variance is not { } t || c + t == 0)
            return null;
        return (treatment.Mean - control.Mean) / Math.Sqrt((c + t) / 2);
    }
}

/// <summary>
/// Covariates rotated and scaled so that everybody together has mean 0 and covariance 1: in these coordinates
/// M = n/(n_T·n_C)·|Σ over the treatment|², one pass over the customers for each candidate split.
/// </summary>
public sealed class BalanceGeometry
{
    private readonly double[] _rows;

    /// <summary>Constant covariates and those that repeat others are left out. Throws <see cref="InputException"/> for a value that is not finite.</summary>
    public BalanceGeometry(IReadOnlyList<double[]> covariates, int customers)
    {
        Customers = customers;
        var standardised = new StandardisedCovariates(covariates, customers);
        Matrix<double> correlation = Matrix<double>.Build.Dense(covariates.Count == 0 ? 1 : covariates.Count, covariates.Count == 0 ? 1 : covariates.Count);
        for (int a = 0; a < covariates.Count; a++)
            for (int b = 0; b < covariates.Count; b++)
                correlation[a, b] = Dot(standardised.Columns[a], standardised.Columns[b]) / Math.Max(1, customers - 1);
        int[] kept = covariates.Count == 0 ? [] : Independence.Of([correlation]);
        Dimensions = kept.Length;
        _rows = kept.Length == 0 ? [] : Whiten(standardised, kept, Independence.Select(correlation, kept).Cholesky().Factor);
    }

    public int Customers { get; }

    /// <summary>How many covariates are left.</summary>
    public int Dimensions { get; }

    /// <summary>The whitened coordinates, row by row: customer i's are [i·Dimensions, (i+1)·Dimensions).</summary>
    public ReadOnlySpan<double> Rows => _rows;

    /// <summary>Mahalanobis imbalance of a split; 0 without covariates, infinite where one group is empty.</summary>
    public double Mahalanobis(ReadOnlySpan<bool> treated)
    {
        Span<double> sum = stackalloc double[Dimensions];
        long count = 0;
        for (int i = 0; i < treated.Length; i++)
            if (treated[i])
            {
                count++;
                for (int d = 0; d < Dimensions; d++)
                    sum[d] += _rows[i * Dimensions + d];
            }
        return Mahalanobis(sum, count);
    }

    /// <summary>The same from the sum of the treatment's whitened rows and their number.</summary>
    public double Mahalanobis(ReadOnlySpan<double> treatmentSum, long treated)
    {
        if (treated == 0 || treated == Customers)
            return double.PositiveInfinity;
        double squares = 0;
        foreach (double value in treatmentSum)
            squares += value * value;
        return squares * Customers / ((double)treated * (Customers - treated));
    }

    private static double[] Whiten(StandardisedCovariates standardised, int[] kept, Matrix<double> lower)
    {
        var rows = new double[standardised.Rows * kept.Length];
        for (int i = 0; i < standardised.Rows; i++)
        {
            Span<double> row = rows.AsSpan(i * kept.Length, kept.Length);
            for (int d = 0; d < kept.Length; d++)
            {
                double value = standardised.Columns[kept[d]][i];
                for (int e = 0; e < d; e++)
                    value -= lower[d, e] * row[e];
                row[d] = value / lower[d, d];
            }
        }
        return rows;
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
