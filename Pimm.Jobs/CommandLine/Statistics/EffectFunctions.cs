using Pimm.Core;
using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>Treatment against control, as a difference and as a relative lift.</summary>
public static class EffectFunctions
{
    public static readonly IReadOnlyList<StatsFunction> All =
    [
        new("difference", "treatment minus control; method of proportions newcombe, wald, agresti-caffo, miettinen-nurminen, of means and ratios welch",
            """{"control":{"n":1000,"conversions":50},"treatment":{"n":1000,"conversions":65}}""",
            [.. StatsArms.Names, "method"], StatsArms.RatioFields, Difference),
        new("lift", "treatment over control minus 1 (0.07 = +7 %); method of proportions log-risk-ratio (pooled, continuity), log-risk-ratio-adjusted, koopman, delta, fieller, of means and ratios delta, fieller",
            """{"control":{"n":1000,"conversions":50},"treatment":{"n":1000,"conversions":65}}""",
            [.. StatsArms.Names, "method", "pooled", "continuity"], StatsArms.RatioFields, Lift),
    ];

    private static EstimateAnswer Difference(StatsInput input)
    {
        var (arms, level) = (StatsArms.Of(input), input.Level);
        if (arms.Kind != ArmKind.Proportion)
        {
            _ = input.Choice("method", "welch");
            var (controlMean, treatmentMean) = arms.Samples();
            return EstimateAnswer.Of(MeanComparison.Welch(controlMean, treatmentMean, level.Interval), level);
        }
        var (control, treatment) = StatsArms.Proportions(input);
        return input.Choice("method", "newcombe", "wald", "agresti-caffo", "miettinen-nurminen") switch
        {
            "wald" => EstimateAnswer.Of(ProportionComparison.Wald(control, treatment, level.Interval), level, -1, 1),
            "agresti-caffo" => EstimateAnswer.Of(ProportionComparison.AgrestiCaffo(control, treatment, level.Interval), level, -1, 1),
            "miettinen-nurminen" => EstimateAnswer.Of(
                MiettinenNurminen.Difference(control, treatment, level.Interval), MiettinenNurminen.Statistic(control, treatment), level, -1, 1),
            _ => EstimateAnswer.Of(
                ProportionComparison.Newcombe(control, treatment, level.Interval), ProportionComparison.NewcombeStatistic(control, treatment), level, -1, 1),
        };
    }

    private static EstimateAnswer Lift(StatsInput input)
    {
        var (arms, level) = (StatsArms.Of(input), input.Level);
        bool pooled = input.Flag("pooled", false), continuity = input.Flag("continuity", false);
        var method = arms.Kind == ArmKind.Proportion
            ? input.Choice("method", "log-risk-ratio", "log-risk-ratio-adjusted", "koopman", "delta", "fieller")
            : input.Choice("method", "delta", "fieller");
        if ((pooled || continuity) && method != "log-risk-ratio")
            throw new InputException($"pooled and continuity belong to the method log-risk-ratio, not to {method}; leave them out.");
        var lowest = arms.Kind == ArmKind.Proportion ? -1 : double.NegativeInfinity;
        if (method is "delta" or "fieller")
        {
            var (controlMean, treatmentMean) = arms.Samples();
            return EstimateAnswer.Of(method == "delta"
                ? MeanComparison.DeltaLift(controlMean, treatmentMean, level.Interval)
                : MeanComparison.FiellerLift(controlMean, treatmentMean, level.Interval), level, lowest);
        }
        var (control, treatment) = StatsArms.Proportions(input);
        return method switch
        {
            "koopman" => EstimateAnswer.Of(Koopman.Lift(control, treatment, level.Interval), Koopman.Statistic(control, treatment), level, lowest),
            "log-risk-ratio-adjusted" => EstimateAnswer.Of(LogRiskRatio.Adjusted(control, treatment, level.Interval), level, lowest),
            _ => EstimateAnswer.Of(LogRiskRatio.Lift(control, treatment, level.Interval, pooled, continuity), level, lowest),
        };
    }
}
