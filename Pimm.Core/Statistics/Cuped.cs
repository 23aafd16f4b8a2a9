namespace Pimm.Core.Statistics;

/// <summary>One arm's outcome Y and pre-period covariate X as means with their covariance; both variances and it have Divisor (n or n − 1) below them.</summary>
public sealed record CovariateArm(SampleMean Outcome, SampleMean Covariate, double Covariance, double Divisor)
{
    /// <summary>Of means; at least two customers. Cross: Σ Y·X. Throws <see cref="InputException"/> for sums that no data have.</summary>
    public static CovariateArm OfMeans(Moments outcome, Moments covariate, double cross)
    {
        NeedsTwo(outcome.N);
        return new(outcome.Sample!.Value, covariate.Sample!.Value, outcome.Covariance(covariate, cross), outcome.N - 1);
    }

    /// <summary>Of a proportion: variances and covariance with n below them.</summary>
    public static CovariateArm OfProportion(Proportion outcome, Moments covariate, double cross)
    {
        NeedsTwo(outcome.N);
        double below = (outcome.N - 1.0) / outcome.N;
        double covariance = new Moments(outcome.N, outcome.Conversions, outcome.Conversions).Covariance(covariate, cross);
        SampleMean before = covariate.Sample!.Value;
        return new(outcome.Sample!.Value, before with { Variance = before.Variance * below }, covariance * below, outcome.N);
    }

    /// <summary>
    /// Of a ratio: both periods linearised. Products: Σ of numerator and denominator with the pre-period's numerator and denominator.
    /// </summary>
    public static CovariateArm OfRatios(RatioMoments outcome, RatioMoments covariate, RatioProducts products)
    {
        NeedsTwo(outcome.Numerator.N);
        if (outcome.Linearised() is not { } y || covariate.Linearised() is not { } x)
            throw new InputException("A denominator sums to zero, so the ratio is not defined; give customers with a denominator in both periods.");
        double covariance = outcome.Numerator.Covariance(covariate.Numerator, products.Numerators)
            - x.Mean * outcome.Numerator.Covariance(covariate.Denominator, products.NumeratorDenominator)
            - y.Mean * outcome.Denominator.Covariance(covariate.Numerator, products.DenominatorNumerator)
            + y.Mean * x.Mean * outcome.Denominator.Covariance(covariate.Denominator, products.Denominators);
        return new(y, x, covariance / (outcome.Denominator.Mean!.Value * covariate.Denominator.Mean!.Value), y.N - 1);
    }

    /// <summary>Y − θX of the arm.</summary>
    public SampleMean Adjusted(double theta) => new(Outcome.N, Outcome.Mean - theta * Covariate.Mean,
        Math.Max(0, Outcome.Variance + theta * theta * Covariate.Variance - 2 * theta * Covariance));

    private static void NeedsTwo(long n)
    {
        if (n < 2)
            throw new InputException($"An arm has {(n == 1 ? "1 customer" : $"{n} customers")}; an adjustment needs at least two in each.");
    }
}

/// <summary>Sums of products over customers, outcome's part × pre-period's part.</summary>
public sealed record RatioProducts(double Numerators, double Denominators, double NumeratorDenominator, double DenominatorNumerator);

/// <summary>
/// Treatment against control after taking out what a covariate from before the experiment explains (CUPED; Deng, Xu, Kohavi and
/// Walker, WSDM 2013). Adjusted and unadjusted are reported together.
/// </summary>
/// <param name="Adjusted">absolute or relative effect</param>
/// <param name="Unadjusted">the same effect without the covariate</param>
/// <param name="Theta">the covariate's coefficient; 0 where it does not vary</param>
/// <param name="VarianceReduction">1 − adjusted variance ÷ unadjusted variance of the effect; null where there was no variance</param>
/// <param name="CovariateImbalance">the covariate's difference between the arms, which no treatment can have caused: a small p says that the split is broken</param>
public sealed record Cuped(TestedEstimate Adjusted, TestedEstimate Unadjusted, double Theta, double? VarianceReduction, TestedEstimate CovariateImbalance)
{
    private const string Method = "cuped";

    /// <summary>What speaks against the adjustment: a covariate that differs between the arms beyond chance (p below <see cref="SampleRatio.Alarm"/>) or does not vary; null if nothing does.</summary>
    public string? Warning =>
        CovariateImbalance.PValue(new ConfidenceLevel()) is { } p && p < SampleRatio.Alarm
            ? FormattableString.Invariant($"The covariate differs between the arms beyond chance (p = {p:G2}): the split is broken, or the covariate is not from before the experiment.")
        : Theta == 0 ? "The covariate explains nothing, so the adjusted effect is the unadjusted one."
        : null;

    /// <summary>
    /// Of means and proportions: θ = cov(Y, X)/var(X) over both arms together. The relative effect is (Ȳ_T − Ȳ_C − θ(X̄_T − X̄_C))/|Ȳ_C|, the
    /// raw control mean below; its variance holds that Ȳ_C is in both parts:
    /// [s²_YT + θ²s²_XT − 2θs_XYT]/(n_T·Ȳ_C²) + [k²s²_YC − 2θk·s_XYC + θ²s²_XC]/(n_C·Ȳ_C²), k = Ȳ_T/Ȳ_C.
    /// </summary>
    public static Cuped Of(CovariateArm control, CovariateArm treatment, bool relative, double confidence = 0.95)
    {
        double nc = control.Outcome.N, nt = treatment.Outcome.N, between = nc * nt / (nc + nt);
        double y = treatment.Outcome.Mean - control.Outcome.Mean, x = treatment.Covariate.Mean - control.Covariate.Mean;
        // Sums of squares and products around the common means: within the arms and between them.
        double squares = control.Divisor * control.Covariate.Variance + treatment.Divisor * treatment.Covariate.Variance + between * x * x;
        double products = control.Divisor * control.Covariance + treatment.Divisor * treatment.Covariance + between * x * y;
        double theta = squares > 0 ? products / squares : 0;
        return Of(control, treatment, theta, treatment.Outcome.Mean / control.Outcome.Mean, relative, confidence);
    }

    /// <summary>
    /// Of ratios: θ = Σ cov/Σ var of the arms' linearised values; the variance as that of means, with k = 1 + adjusted difference/R_C.
    /// </summary>
    public static Cuped OfRatios(CovariateArm control, CovariateArm treatment, bool relative, double confidence = 0.95)
    {
        double squares = control.Covariate.Variance + treatment.Covariate.Variance;
        double theta = squares > 0 ? (control.Covariance + treatment.Covariance) / squares : 0;
        double difference = treatment.Adjusted(theta).Mean - control.Adjusted(theta).Mean;
        return Of(control, treatment, theta, 1 + difference / control.Outcome.Mean, relative, confidence);
    }

    private static Cuped Of(CovariateArm control, CovariateArm treatment, double theta, double k, bool relative, double confidence)
    {
        SampleMean c = control.Adjusted(theta), t = treatment.Adjusted(theta);
        TestedEstimate unadjusted = relative
            ? MeanComparison.DeltaLift(control.Outcome, treatment.Outcome, confidence)
            : MeanComparison.Welch(control.Outcome, treatment.Outcome, confidence);
        TestedEstimate imbalance = MeanComparison.Welch(control.Covariate, treatment.Covariate, confidence);
        if (unadjusted.Estimate.Value is null)
            return new Cuped(unadjusted, unadjusted, theta, null, imbalance);
        double baseline = relative ? Math.Abs(control.Outcome.Mean) : 1, weight = relative ? k : 1;
        double inControl = weight * weight * control.Outcome.Variance - 2 * theta * weight * control.Covariance + theta * theta * control.Covariate.Variance;
        double error = Math.Sqrt(t.Squared + Math.Max(0, inControl) / c.N) / baseline;
        TestedEstimate adjusted = TestedEstimate.Student((t.Mean - c.Mean) / baseline, error, SampleMean.Degrees(c, t), confidence, Method);
        double? reduction = unadjusted.Estimate.StandardError is { } plain and > 0 ? 1 - error * error / (plain * plain) : null;
        return new Cuped(adjusted, unadjusted, theta, reduction, imbalance);
    }
}
