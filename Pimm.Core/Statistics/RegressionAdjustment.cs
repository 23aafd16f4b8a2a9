using MathNet.Numerics.LinearAlgebra;

namespace Pimm.Core.Statistics;

/// <summary>Each group's mean outcome had its covariates been everybody's, with HC2 standard errors; Used: the covariates kept.</summary>
public sealed record AdjustedMeans(double Control, double ControlError, double Treatment, double TreatmentError, IReadOnlyList<int> Used)
{
    /// <summary>Treatment − control.</summary>
    public Estimate Difference(double confidence = 0.95) =>
        Estimate.Normal(Treatment - Control, Math.Sqrt(ControlError * ControlError + TreatmentError * TreatmentError), confidence, RegressionAdjustment.Method);

    /// <summary>Treatment ÷ control − 1, its interval on the log scale by the delta method.</summary>
    public Estimate RelativeLift(double confidence = 0.95)
    {
        if (Control <= 0 || Treatment <= 0)
            return Estimate.Unavailable(RegressionAdjustment.Method, "An adjusted mean is not positive, so the relative lift is not defined.");
        double ratio = Treatment / Control, c = ControlError / Control, t = TreatmentError / Treatment;
        double error = Math.Sqrt(c * c + t * t), factor = Math.Exp(Estimate.CriticalValue(confidence) * error);
        return new Estimate(ratio - 1, ratio * error, ratio / factor - 1, ratio * factor - 1, RegressionAdjustment.Method);
    }
}

/// <summary>
/// Least squares with treatment × centred covariates and HC2 variances (Lin 2013; MacKinnon and White 1985). The fully
/// interacted fit falls apart into one regression a group, with covariates centred over both, and that is how it is computed.
/// </summary>
public static class RegressionAdjustment
{
    internal const string Method = "regression-hc2";

    /// <summary>
    /// One outcome and one flag each customer, one array each covariate. Null where a group has not more customers than
    /// coefficients + 1, or where no covariate is left that varies in both groups.
    /// </summary>
    public static AdjustedMeans? Means(double[] outcomes, ReadOnlySpan<bool> treated, IReadOnlyList<double[]> covariates)
    {
        if (outcomes.Length != treated.Length)
            throw new InputException($"{outcomes.Length} outcomes were given with {treated.Length} groups; give one group for each outcome.");
        var standardised = new StandardisedCovariates(covariates, outcomes.Length);
        int[] control = Members(treated, false), treatment = Members(treated, true);
        if (covariates.Count == 0 || Math.Min(control.Length, treatment.Length) < covariates.Count + 3)
            return null;
        int[] kept = Independence.Of([WithinCovariance(standardised, control), WithinCovariance(standardised, treatment)]);
        if (kept.Length == 0)
            return null;
        double[][] columns = kept.Select(c => standardised.Columns[c]).ToArray();
        if (Intercept(outcomes, columns, control) is not var (c0, e0) || Intercept(outcomes, columns, treatment) is not var (c1, e1))
            return null;
        return new AdjustedMeans(c0, e0, c1, e1, kept);
    }

    private static int[] Members(ReadOnlySpan<bool> treated, bool group)
    {
        var members = new List<int>(treated.Length / 2);
        for (int i = 0; i < treated.Length; i++)
            if (treated[i] == group)
                members.Add(i);
        return members.ToArray();
    }

    private static Matrix<double> WithinCovariance(StandardisedCovariates standardised, int[] members)
    {
        double[][] columns = standardised.Columns;
        double[] means = columns.Select(column => members.Sum(i => column[i]) / members.Length).ToArray();
        return Matrix<double>.Build.Dense(columns.Length, columns.Length,
            (a, b) => members.Sum(i => (columns[a][i] - means[a]) * (columns[b][i] - means[b])) / members.Length);
    }

    /// <summary>The intercept of y on 1 and the columns, and its HC2 standard error; null where a leverage reaches 1.</summary>
    private static (double Value, double Error)? Intercept(double[] outcomes, double[][] columns, int[] members)
    {
        int width = columns.Length + 1;
        var gram = new double[width, width];
        var cross = new double[width];
        var row = new double[width];
        row[0] = 1;
        foreach (int i in members)
        {
            Fill(row, columns, i);
            for (int a = 0; a < width; a++)
            {
                cross[a] += row[a] * outcomes[i];
                for (int b = 0; b <= a; b++)
                    gram[a, b] += row[a] * row[b];
            }
        }
        for (int a = 0; a < width; a++)
            for (int b = a + 1; b < width; b++)
                gram[a, b] = gram[b, a];
        double[,] inverse = Matrix<double>.Build.DenseOfArray(gram).Cholesky().Solve(Matrix<double>.Build.DenseIdentity(width)).ToArray();
        double[] coefficients = Product(inverse, cross);
        double variance = 0;
        foreach (int i in members)
        {
            Fill(row, columns, i);
            double fitted = 0, leverage = 0, weight = 0;
            for (int a = 0; a < width; a++)
            {
                double projected = 0;
                for (int b = 0; b < width; b++)
                    projected += inverse[a, b] * row[b];
                fitted += coefficients[a] * row[a];
                leverage += projected * row[a];
                if (a == 0)
                    weight = projected;
            }
            if (leverage > 1 - 1e-9)
                return null;
            double residual = weight * (outcomes[i] - fitted);
            variance += residual * residual / (1 - leverage);
        }
        return (coefficients[0], Math.Sqrt(variance));
    }

    private static void Fill(double[] row, double[][] columns, int customer)
    {
        for (int c = 0; c < columns.Length; c++)
            row[c + 1] = columns[c][customer];
    }

    private static double[] Product(double[,] matrix, double[] vector)
    {
        var product = new double[vector.Length];
        for (int a = 0; a < product.Length; a++)
            for (int b = 0; b < product.Length; b++)
                product[a] += matrix[a, b] * vector[b];
        return product;
    }
}
