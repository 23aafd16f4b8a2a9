using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>One proportion's interval, and tests of two.</summary>
public static class ProportionFunctions
{
    public static readonly IReadOnlyList<StatsFunction> All =
    [
        new("proportion", "interval of one proportion; method wilson, clopper-pearson, jeffreys, agresti-coull, wald",
            """{"n":1000,"conversions":24}""", ["n", "conversions", "method"], [], Interval),
        new("test", "p of two proportions; method fisher, barnard, boschloo, pearson, pearson-yates, g",
            """{"control":{"n":100,"conversions":5},"treatment":{"n":100,"conversions":14},"method":"barnard"}""",
            [.. StatsArms.Names, "method"], StatsArms.ProportionFields, Test),
    ];

    private static object Interval(StatsInput input)
    {
        var (proportion, level) = (StatsArms.Proportion(input), input.Level);
        var interval = level.Bounds(input.Choice("method", "wilson", "clopper-pearson", "jeffreys", "agresti-coull", "wald") switch
        {
            "clopper-pearson" => proportion.ClopperPearson(level.Interval),
            "jeffreys" => proportion.Jeffreys(level.Interval),
            "agresti-coull" => proportion.AgrestiCoull(level.Interval),
            "wald" => proportion.Wald(level.Interval),
            _ => proportion.Wilson(level.Interval),
        }, lowest: 0, highest: 1);
        return new { Estimate = interval.Value, interval.Lower, interval.Upper };
    }

    private static object Test(StatsInput input)
    {
        var (control, treatment) = StatsArms.Proportions(input);
        var level = input.Level;
        return new
        {
            P = input.Choice("method", "fisher", "barnard", "boschloo", "pearson", "pearson-yates", "g") switch
            {
                "barnard" => UnconditionalExact.Barnard(control, treatment, level.Alternative),
                "boschloo" => UnconditionalExact.Boschloo(control, treatment, level.Alternative),
                "pearson" => level.PValue(TwoByTwo.Pearson(control, treatment)!.Value),
                "pearson-yates" => level.PValue(TwoByTwo.Pearson(control, treatment, yates: true)!.Value),
                "g" => level.PValue(TwoByTwo.LikelihoodRatio(control, treatment)!.Value),
                _ => TwoByTwo.Fisher(control, treatment, level.Alternative),
            },
        };
    }
}
