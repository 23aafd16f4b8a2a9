using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>Many p-values at once.</summary>
public static class MultiplicityFunctions
{
    public static readonly IReadOnlyList<StatsFunction> All =
    [
        new("adjust", "p-values of several tests, adjusted together; method holm, bonferroni, holm-sidak, hochberg, bh, by",
            """{"p":[0.01,0.04,0.03,0.005],"method":"holm"}""", ["p", "method"], [], Adjust),
    ];

    private static object Adjust(StatsInput input)
    {
        var p = input.Numbers("p");
        return new
        {
            Adjusted = input.Choice("method", "holm", "bonferroni", "holm-sidak", "hochberg", "bh", "by") switch
            {
                "bonferroni" => Multiplicity.Bonferroni(p),
                "holm-sidak" => Multiplicity.HolmSidak(p),
                "hochberg" => Multiplicity.Hochberg(p),
                "bh" => Multiplicity.BenjaminiHochberg(p),
                "by" => Multiplicity.BenjaminiYekutieli(p),
                _ => Multiplicity.Holm(p),
            },
        };
    }
}
