using MathNet.Numerics.LinearAlgebra;

namespace Pimm.Core.Statistics;

/// <summary>Covariates standardised over everybody: column j of customer i is (x − mean)/deviation; columns that do not vary become 0.</summary>
internal sealed class StandardisedCovariates
{
    public StandardisedCovariates(IReadOnlyList<double[]> columns, int rows)
    {
        Rows = rows;
        Columns = new double[columns.Count][];
        Means = new double[columns.Count];
        Deviations = new double[columns.Count];
        for (int c = 0; c < columns.Count; c++)
            Columns[c] = Standardise(columns[c], c);
    }

    public int Rows { get; }

    public double[][] Columns { get; }

    public double[] Means { get; }

    public double[] Deviations { get; }

    private double[] Standardise(double[] column, int c)
    {
        if (column.Length != Rows)
            throw new InputException($"Covariate {c + 1} has {column.Length} values for {Rows} customers; give one for each.");
        double sum = 0, squares = 0;
        for (int i = 0; i < Rows; i++)
        {
            if (!double.IsFinite(column[i]))
                throw new InputException($"Covariate {c + 1} of customer {i + 1} is {column[i]}; give finite numbers.");
            sum += column[i];
        }
        double mean = Rows == 0 ? 0 : sum / Rows;
        foreach (double value in column)
            squares += (value - mean) * (value - mean);
        double deviation = Rows < 2 ? 0 : Math.Sqrt(squares / (Rows - 1));
        // Rounding of the mean leaves a trace of variance in a constant column.
        bool constant = deviation <= 1e-12 * Math.Abs(mean);
        (Means[c], Deviations[c]) = (mean, constant ? 0 : deviation);
        return constant ? new double[Rows] : Array.ConvertAll(column, value => (value - mean) / deviation);
    }
}

/// <summary>Columns that add something to those before them, and the Cholesky factor over just these.</summary>
internal static class Independence
{
    private const double SmallestPivot = 1e-8;

    /// <summary>Indices, in order, whose remaining variance given the earlier kept ones is above 1e-8 of a standardised column in every matrix.</summary>
    public static int[] Of(IReadOnlyList<Matrix<double>> correlations)
    {
        var kept = new List<int>();
        for (int candidate = 0; candidate < correlations[0].RowCount; candidate++)
            if (correlations.All(matrix => Remaining(matrix, kept, candidate) > SmallestPivot))
                kept.Add(candidate);
        return kept.ToArray();
    }

    public static Matrix<double> Select(Matrix<double> matrix, IReadOnlyList<int> kept) =>
        Matrix<double>.Build.Dense(kept.Count, kept.Count, (i, j) => matrix[kept[i], kept[j]]);

    private static double Remaining(Matrix<double> matrix, List<int> kept, int candidate)
    {
        if (kept.Count == 0)
            return matrix[candidate, candidate];
        Vector<double> cross = Vector<double>.Build.Dense(kept.Count, i => matrix[kept[i], candidate]);
        return matrix[candidate, candidate] - cross.DotProduct(Select(matrix, kept).Cholesky().Solve(cross));
    }
}
