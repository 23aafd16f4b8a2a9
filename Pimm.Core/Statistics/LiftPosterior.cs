using MathNet.Numerics.Distributions;

namespace Pimm.Core.Statistics;

/// <summary>A normal prior on the relative effect (0.05 = +5 %).</summary>
public sealed record LiftPrior
{
    /// <param name="variance">positive: the square of what is believed of effects in general, .3² for example</param>
    public LiftPrior(double mean, double variance)
    {
        if (!double.IsFinite(mean))
            throw new InputException($"A prior mean of {mean} is not possible; give a finite relative effect, for example 0.");
        if (!(variance > 0) || double.IsInfinity(variance))
            throw new InputException($"A prior variance of {variance} is not possible; give a positive number, for example 0.09, or leave the prior out.");
        (Mean, Variance) = (mean, variance);
    }

    public double Mean { get; }

    public double Variance { get; }
}

/// <summary>
/// What is believed of the relative effect after the data: normal prior times normal likelihood of the estimate, weighted by
/// their precisions (Gelman et al. 2013, 2.5; as GrowthBook's gbstats).
/// </summary>
/// <param name="Estimate">posterior mean, deviation and the equal-tailed credible interval</param>
/// <param name="ChanceToWin">P(effect &gt; 0), 0 to 1</param>
/// <param name="ControlRisk">E max(effect, 0): the expected loss, in relative units, of choosing the control</param>
/// <param name="TreatmentRisk">E max(−effect, 0): the expected loss of choosing the treatment</param>
public sealed record LiftPosterior(Estimate Estimate, double? ChanceToWin, double? ControlRisk, double? TreatmentRisk)
{
    private const string Method = "normal-posterior";

    /// <param name="lift">a relative lift with its standard error (delta method)</param>
    /// <param name="prior">null: flat</param>
    /// <returns>parts null, with the reason, where the lift or its standard error is missing or nothing varies</returns>
    public static LiftPosterior Of(Estimate lift, LiftPrior? prior = null, double confidence = 0.95)
    {
        _ = Estimate.CriticalValue(confidence);
        if (lift.Value is not { } value || lift.StandardError is not { } error)
            return new(Estimate.Unavailable(Method, lift.Note ?? "There is no estimate to start from."), null, null, null);
        if (!(error > 0))
            return new(Estimate.Unavailable(Method, "Nothing varies within either group, so the data have no weight to give."), null, null, null);
        double data = 1 / (error * error), before = prior is null ? 0 : 1 / prior.Variance;
        double mean = (data * value + before * (prior?.Mean ?? 0)) / (data + before), deviation = 1 / Math.Sqrt(data + before);
        double density = deviation * Normal.PDF(0, 1, mean / deviation), wins = Normal.CDF(0, 1, mean / deviation), loses = Normal.CDF(0, 1, -mean / deviation);
        // Both are expectations of something not negative; rounding far in a tail must not say otherwise.
        double control = Math.Max(0, density + mean * wins), treatment = Math.Max(0, density - mean * loses);
        return new(Estimate.Normal(mean, deviation, confidence, Method), wins, control, treatment);
    }
}
