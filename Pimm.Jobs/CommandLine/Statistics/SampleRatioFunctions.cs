using Pimm.Core;
using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>Whether customers fell to the arms as planned.</summary>
public static class SampleRatioFunctions
{
    public static readonly IReadOnlyList<StatsFunction> All =
    [
        new("srm", "sample ratio: counts against planned weights, flagged below the threshold (0.001); method chi-square, binomial, normal, normal-corrected",
            """{"observed":[10000,10300],"weights":[1,1]}""",
            ["observed", "weights", "method", "threshold"], [], Ratio),
        new("srm-sequential", "sample ratio that may be read at every step: new customers of each step against planned weights",
            """{"rows":[[500,520],[480,530]],"weights":[1,1]}""",
            ["rows", "weights", "prior"], [], Sequential),
    ];

    private static object Ratio(StatsInput input)
    {
        var (observed, weights) = (input.Counts("observed"), input.Numbers("weights"));
        var threshold = input.Number("threshold", SampleRatio.Alarm);
        if (!(threshold > 0 && threshold < 1))
            throw new InputException(FormattableString.Invariant($"threshold is {threshold}; give a p-value, a fraction above 0 and below 1 such as 0.001."));
        var ratio = input.Choice("method", "chi-square", "binomial", "normal", "normal-corrected") switch
        {
            "binomial" => SampleRatio.Binomial(observed, weights),
            "normal" => SampleRatio.Normal(observed, weights),
            "normal-corrected" => SampleRatio.Normal(observed, weights, corrected: true),
            _ => SampleRatio.Of(observed, weights),
        };
        return new { P = ratio.PValue, ratio.Statistic, Flag = ratio.PValue < threshold };
    }

    private static object Sequential(StatsInput input)
    {
        var ratio = SequentialSampleRatio.Of(input.CountRows("rows"), input.Numbers("weights"), input.Has("prior") ? input.Numbers("prior") : null);
        return new { ratio.LogBayesFactor, P = ratio.PValue };
    }
}
