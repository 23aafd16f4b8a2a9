using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>Whether customers fell to the arms as planned.</summary>
public static class SampleRatioFunctions
{
    public static readonly IReadOnlyList<StatsFunction> All =
    [
        new("srm", "sample ratio mismatch of counts against the planned weights",
            """{"observed":[10000,10300],"weights":[1,1]}""", ["observed", "weights", "method", "threshold"], Ratio),
    ];

    private static object Ratio(StatsInput input)
    {
        var ratio = SampleRatio.Of(input.Counts("observed"), input.Numbers("weights"));
        return new { P = ratio.PValue, ratio.Statistic, Flag = ratio.PValue < 0.001 };
    }
}
