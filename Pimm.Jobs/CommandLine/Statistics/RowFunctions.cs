using System.Text.Json.Serialization;
using Pimm.Core;
using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>Statistics of single customers' rows.</summary>
public static class RowFunctions
{
    public static readonly IReadOnlyList<StatsFunction> All =
    [
        new("balance", "how alike two groups' covariates are: Mahalanobis' distance, its chi-square p and standardised differences",
            """{"control":[[1.0,20],[2.5,31],[3.1,18],[1.7,25]],"treatment":[[1.4,22],[2.2,35],[2.9,19],[2.0,28]]}""", ["control", "treatment"], [], Balanced),
        new("auc", "area under the ROC curve, ties by mid-ranks, rows weighted where weights are given",
            """{"labels":[0,1,0,1],"scores":[0.1,0.4,0.35,0.8]}""", ["labels", "scores", "weights"], [], Area),
    ];

    private static BalanceAnswer Balanced(StatsInput input)
    {
        double[][] control = Group(input, "control"), treatment = Group(input, "treatment");
        double[][] rows = [.. control, .. treatment];
        var width = rows[0].Length;
        if (width == 0)
            throw new InputException("A customer's row has no covariate; give at least one number in each.");
        for (var i = 0; i < rows.Length; i++)
            if (rows[i].Length != width)
                throw new InputException($"{(i < control.Length ? $"control[{i}]" : $"treatment[{i - control.Length}]")} has {rows[i].Length} covariates where the first row has {width}; give all rows the same.");
        double[][] columns = [.. Enumerable.Range(0, width).Select(c => rows.Select(row => row[c]).ToArray())];
        bool[] treated = [.. rows.Select((_, i) => i >= control.Length)];
        var balance = Balance.Of(columns, treated);
        var note = balance.Mahalanobis is null ? "No covariate varies." : balance.Covariates < width ? $"{width - balance.Covariates} covariates do not vary or repeat others and add nothing to the distance." : null;
        return new(balance.Mahalanobis, balance.PValue, balance.StandardisedDifferences, note);
    }

    private static double[][] Group(StatsInput input, string name) => input.Rows(name) is { Length: > 0 } rows
        ? rows
        : throw new InputException($"{name} has no customer; give at least one row of covariates.");

    private static AucAnswer Area(StatsInput input)
    {
        var labels = input.Counts("labels");
        for (var i = 0; i < labels.Length; i++)
            if (labels[i] > 1)
                throw new InputException($"labels[{i}] is {labels[i]}; give 0 or 1.");
        var auc = WeightedAuc.Of([.. labels.Select(label => (byte)label)], input.Numbers("scores"), input.Has("weights") ? input.Numbers("weights") : default(ReadOnlySpan<double>));
        return new(auc, auc is null ? "Only one class is present." : null);
    }

    private sealed record BalanceAnswer(
        double? Mahalanobis, double? P, IReadOnlyList<double?> StandardizedDifferences,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note);

    private sealed record AucAnswer(double? Auc, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note);
}
