using Pimm.Core.Comparing;
using Pimm.Core.Datasets;
using Pimm.Core.Statistics;
using Pimm.Core.Training;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Comparing;

public sealed class SignificanceTests
{
    // Ten splits of 80/20: t = d̄ / sqrt((1/10 + 1/4) s²), nine degrees of freedom.
    [Fact]
    public void The_double_dagger_needs_ten_splits_and_every_baseline_after_Holm()
    {
        var clear = Result(splits: 10, [.03, .031, .032, .03, .029, .031, .03, .03, .032, .029], [.02, .021, .019, .02, .022, .02, .018, .02, .021, .02]);
        var few = Result(splits: 9, [.03, .031, .032, .03, .029, .031, .03, .03, .032], [.02, .021, .019, .02, .022, .02, .018, .02, .021]);
        var mixed = Result(splits: 10, [.03, .031, .032, .03, .029, .031, .03, .03, .032, .029], [.03, -.02, .01, .02, -.03, .02, .01, -.01, .02, .0]);

        ComparisonTable.Auc(clear, clear.Candidate, 0).ShouldEndWith("‡");
        ComparisonTable.Auc(few, few.Candidate, 0).ShouldNotContain("‡");
        ComparisonTable.Auc(mixed, mixed.Candidate, 0).ShouldNotContain("‡");
    }

    [Fact]
    public void A_p_over_splits_is_the_corrected_one_adjusted_over_all_baselines()
    {
        double[] first = [.01, .02, .015, .012, .018, .011, .02, .016, .013, .017], second = [.01, -.01, .02, .0, .015, -.02, .01, .0, .02, .01];

        var pairs = Result(splits: 10, first, second).Significance.Where(pair => pair.Test == "corrected-resampled-t").ToArray();

        double[] p = [CorrectedResampledTest.Of(first, 0.25).PValue, CorrectedResampledTest.Of(second, 0.25).PValue];
        pairs.Select(pair => pair.P).ShouldBe(p, 1e-9);
        pairs.Select(pair => pair.PHolm).ShouldBe(Multiplicity.Holm(p), 1e-9);
        pairs.Select(pair => pair.Note).ShouldAllBe(note => note == null);
    }

    [Fact]
    public void A_p_over_seeds_on_one_split_is_called_training_noise()
    {
        var result = Result(splits: 1, [.03, .031, .032], [.02, .021, .019]);

        result.Significance.Where(pair => pair.Test != "paired-bootstrap").ShouldAllBe(pair =>
            pair.Test == "training-noise-t" && pair.Note!.Contains("nothing about other customers"));
        ComparisonTable.Auc(result, result.Candidate, 0).ShouldNotContain("‡");
        ComparisonTable.Footnotes(result).ShouldContain("‡ is not given: 1 split cannot tell other customers from these; --splits 10 can.");
    }

    /// <summary>A candidate above two baselines by these differences, one a training.</summary>
    private static ComparisonResult Result(int splits, double[] aboveFirst, double[] aboveSecond)
    {
        double[] candidate = [.. aboveFirst.Select((_, at) => .7 + (.001 * at))];
        ModelResult[] models =
        [
            Model("pimm", candidate), Model("aitm", [.. candidate.Zip(aboveFirst, (auc, above) => auc - above)]),
            Model("mmoe", [.. candidate.Zip(aboveSecond, (auc, above) => auc - above)]),
        ];
        var seeds = aboveFirst.Length / splits;
        var significance = Significances.OverTrainings(splits, seeds, testToTrain: 0.25, models, task: 0).ToArray();
        return new ComparisonResult(
            "file.csv", "", new DatasetOptions { Data = "", Tasks = ["buy"] }, new RowCounts(800, 50, 200), splits, seeds, 1, 1, ["buy"], models,
            new Dictionary<string, string> { ["buy"] = "pimm" }, significance, [], [], "");
    }

    private static ModelResult Model(string name, double[] auc) => new(
        name, null, [new TaskResult("buy", auc.Average(), .01, [.. auc.Select(value => (double?)value)], .1, 1, .01, null, null, null, null, null, null, null)],
        1000, 1000, .001, 0, 3, 1, .5, new TrainingOptions(), new Dictionary<string, string>(), new Dictionary<string, double>(), null);
}
