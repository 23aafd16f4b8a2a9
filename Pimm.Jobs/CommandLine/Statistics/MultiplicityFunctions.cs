using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>Many p-values at once.</summary>
public static class MultiplicityFunctions
{
    public static readonly IReadOnlyList<StatsFunction> All =
    [
        new("adjust", "p-values of several tests, adjusted so that together they keep the level",
            """{"p":[0.01,0.04,0.03],"method":"holm"}""", ["p", "method"], Adjust),
    ];

    private static object Adjust(StatsInput input) => new { Adjusted = TwoByTwo.Holm(input.Numbers("p")) };
}
