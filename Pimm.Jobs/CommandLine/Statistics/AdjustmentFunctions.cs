using System.Text.Json.Serialization;
using Pimm.Core;
using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>Effects with the help of what was known before the experiment.</summary>
public static class AdjustmentFunctions
{
    private static readonly string[] PreFields =
    [
        "pre", "preSquares", "preNumerator", "preNumeratorSquares", "preDenominator", "preDenominatorSquares", "preCross",
        "numeratorPreNumerator", "denominatorPreDenominator", "numeratorPreDenominator", "denominatorPreNumerator",
    ];

    public static readonly IReadOnlyList<StatsFunction> All =
    [
        new("cuped", "effect adjusted by a pre-period covariate, with the unadjusted one and the covariate's balance; relative true or false (default)",
            """{"control":{"n":100,"sum":500,"sumSquares":3000,"pre":400,"preSquares":2000,"cross":2300},"treatment":{"n":100,"sum":550,"sumSquares":3500,"pre":410,"preSquares":2100,"cross":2550},"relative":true}""",
            [.. StatsArms.Names, "relative"], [.. StatsArms.RatioFields, .. PreFields], Adjusted),
        new("post-stratify", "effect compared within strata of means or proportions, weighted by their size; relative true or false (default)",
            """{"strata":[{"control":{"n":60,"sum":120,"sumSquares":400},"treatment":{"n":55,"sum":130,"sumSquares":450}},{"control":{"n":40,"sum":200,"sumSquares":1300},"treatment":{"n":45,"sum":240,"sumSquares":1600}}],"relative":true}""",
            ["strata", "relative"], [.. StatsArms.Names, .. StatsArms.MeanFields], Stratified),
    ];

    private static CupedAnswer Adjusted(StatsInput input)
    {
        var (arms, level, relative) = (StatsArms.Of(input), input.Level, input.Flag("relative", false));
        CovariateArm control = Arm(arms.Control, arms.Kind), treatment = Arm(arms.Treatment, arms.Kind);
        var cuped = arms.Kind == ArmKind.Ratio
            ? Cuped.OfRatios(control, treatment, relative, level.Interval)
            : Cuped.Of(control, treatment, relative, level.Interval);
        return CupedAnswer.Of(cuped, level, Ends(arms.Kind, relative));
    }

    private static CovariateArm Arm(StatsInput arm, ArmKind kind)
    {
        if (kind == ArmKind.Ratio)
        {
            var (ratio, before, products) = (StatsArms.Ratio(arm), PreRatio(arm), Products(arm));
            return arm.Checked(() => CovariateArm.OfRatios(ratio, before, products));
        }
        var (covariate, cross) = (StatsArms.Mean(arm, "pre", "preSquares"), arm.Number("cross"));
        if (kind == ArmKind.Mean)
        {
            var mean = StatsArms.Mean(arm);
            return arm.Checked(() => CovariateArm.OfMeans(mean, covariate, cross));
        }
        var proportion = StatsArms.Proportion(arm);
        return arm.Checked(() => CovariateArm.OfProportion(proportion, covariate, cross));
    }

    private static RatioProducts Products(StatsInput arm) => new(
        arm.Number("numeratorPreNumerator"), arm.Number("denominatorPreDenominator"), arm.Number("numeratorPreDenominator"), arm.Number("denominatorPreNumerator"));

    private static RatioMoments PreRatio(StatsInput arm) => new(
        StatsArms.Mean(arm, "preNumerator", "preNumeratorSquares"), StatsArms.Mean(arm, "preDenominator", "preDenominatorSquares"), arm.Number("preCross"));

    private static EstimateAnswer Stratified(StatsInput input)
    {
        var (level, relative) = (input.Level, input.Flag("relative", false));
        var arms = input.Objects("strata").Select(StatsArms.Of).ToList();
        if (arms.Count == 0)
            throw new InputException("There are no strata; give at least one with a control and a treatment.");
        if (arms.Exists(stratum => stratum.Kind != arms[0].Kind || stratum.Kind == ArmKind.Ratio))
            throw new InputException("strata must all have means or all have proportions.");
        var strata = arms.Select(stratum => stratum.Samples()).Select(stratum => new Stratum(stratum.Control, stratum.Treatment)).ToList();
        var (lowest, highest) = Ends(arms[0].Kind, relative);
        return EstimateAnswer.Of(PostStratification.Effect(strata, relative, level.Interval), level, lowest, highest);
    }

    /// <summary>Between what an effect can lie.</summary>
    private static (double Lowest, double Highest) Ends(ArmKind kind, bool relative) => kind == ArmKind.Proportion
        ? (-1, relative ? double.PositiveInfinity : 1)
        : (double.NegativeInfinity, double.PositiveInfinity);

    /// <summary>The adjusted effect as `lift` prints it, and what tells whether to believe it.</summary>
    private sealed record CupedAnswer(
        double? Estimate, double? StandardError, double? Lower, double? Upper, double? P, double Theta, double? VarianceReduction,
        EstimateAnswer Unadjusted, double? CovariateImbalanceP, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note)
    {
        public static CupedAnswer Of(Cuped cuped, ConfidenceLevel level, (double Lowest, double Highest) ends)
        {
            var adjusted = EstimateAnswer.Of(cuped.Adjusted, level, ends.Lowest, ends.Highest);
            var imbalance = cuped.CovariateImbalance.PValue(new ConfidenceLevel());
            return new(adjusted.Estimate, adjusted.StandardError, adjusted.Lower, adjusted.Upper, adjusted.P, cuped.Theta, cuped.VarianceReduction,
                EstimateAnswer.Of(cuped.Unadjusted, level, ends.Lowest, ends.Highest), imbalance, adjusted.Note ?? cuped.Warning);
        }
    }
}
