namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>One of the statistics as a pure function of a JSON object.</summary>
/// <param name="Name">what follows `pimm stats`</param>
/// <param name="Description">one line: what it computes, from what, by which methods</param>
/// <param name="Sample">an input that works, shown by --help</param>
/// <param name="Fields">the names it reads at the top, besides confidence and alternative</param>
/// <param name="Inside">the names it reads in the objects of those fields</param>
/// <param name="Compute">what is printed, an object or a record; throws InputException for what is impossible</param>
public sealed record StatsFunction(
    string Name, string Description, string Sample, IReadOnlyList<string> Fields, IReadOnlyList<string> Inside, Func<StatsInput, object> Compute)
{
    /// <summary>The names allowed at the top, for help and refusals.</summary>
    public IReadOnlyList<string> Allowed => [.. Fields, StatsInput.ConfidenceField, StatsInput.AlternativeField];
}

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

    /// <summary>Every name that some function reads inside an object: what another kind of arm has is let pass there, an unknown name is a slip.</summary>
    public static readonly IReadOnlySet<string> Vocabulary = new HashSet<string>(All.SelectMany(function => function.Inside), StringComparer.Ordinal);
}
