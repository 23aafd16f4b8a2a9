namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>One of the statistics as a pure function of a JSON object.</summary>
/// <param name="Name">what follows `pimm stats`</param>
/// <param name="Description">one line: what it computes, from what, by which methods</param>
/// <param name="Sample">an input that works, shown by --help</param>
/// <param name="Fields">the names it reads, at any depth, besides confidence and alternative</param>
/// <param name="Compute">what is printed, an object or a record; throws InputException for what is impossible</param>
public sealed record StatsFunction(string Name, string Description, string Sample, IReadOnlyList<string> Fields, Func<StatsInput, object> Compute);

/// <summary>All functions, in the order in which they are listed.</summary>
public static class StatsCatalogue
{
    public static readonly IReadOnlyList<StatsFunction> All =
    [
        .. SampleRatioFunctions.All,
        .. ProportionFunctions.All,
        .. EffectFunctions.All,
        .. AdjustmentFunctions.All,
        .. MultiplicityFunctions.All,
        .. SequentialFunctions.All,
        .. BeliefFunctions.All,
        .. PlanningFunctions.All,
        .. RowFunctions.All,
    ];

    /// <summary>Every name that some function reads: another function's is let pass, an unknown one is a slip.</summary>
    public static readonly IReadOnlySet<string> Vocabulary =
        new HashSet<string>(All.SelectMany(function => function.Fields), StringComparer.Ordinal) { StatsInput.ConfidenceField, StatsInput.AlternativeField };
}
