using Pimm.Core.Comparing;
using Pimm.Core.Datasets;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Tests.Training;
using Pimm.Core.Training;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Comparing;

/// <summary>Real trainings on a toy funnel, in this process one after the other.</summary>
[Collection(TorchCollection.Name)]
public sealed class RunComparisonTests : IDisposable
{
    private readonly ToyFunnel funnel = new();
    private readonly List<TrainingCell> trained = [];

    [Fact]
    public async Task Trains_every_model_on_every_split_with_every_seed_and_the_same_rows()
    {
        var result = await Compare(Request() with { Splits = 2, Seeds = 2 });

        trained.Count.ShouldBe(2 * 2 * 2);
        trained.Select(cell => (cell.Network, cell.Rows, cell.Options.Seed)).Distinct().Count().ShouldBe(8);
        trained.GroupBy(cell => cell.Network).Select(cells => string.Join(' ', cells.Select(cell => cell.Rows).Distinct().Order())).Distinct().ShouldHaveSingleItem();
        result.Models.Select(model => model.Model).ShouldBe(["pimm", "shared-bottom"]);
        result.Models.ShouldAllBe(model => model.Tasks.All(task => task.Auc.Count == 4 && task.AucStd > 0));
        result.Rows.Test.ShouldBe(600);
    }

    [Fact]
    public async Task A_second_start_trains_nothing_and_says_the_same()
    {
        var request = Request() with { Splits = 2 };
        var first = await Compare(request);
        trained.Clear();

        var second = await Compare(request);

        trained.ShouldBeEmpty();
        Json(second).ShouldBe(Json(first));
    }

    [Fact]
    public async Task Goes_on_where_it_was_cut_off()
    {
        var request = Request() with { Splits = 2 };
        var cutOff = 0;
        await Should.ThrowAsync<OperationCanceledException>(() => Compare(request, beforeEach: () =>
        {
            if (++cutOff == 3)
            {
                throw new OperationCanceledException();
            }
        }));
        var before = trained.Select(cell => cell.Key()).ToArray();
        trained.Clear();

        await Compare(request);

        before.Length.ShouldBe(2);
        trained.Select(cell => cell.Key()).ShouldNotContain(key => before.Contains(key));
        trained.Count.ShouldBe(2);
    }

    [Fact]
    public async Task More_models_and_seeds_find_what_is_there_already()
    {
        await Compare(Request());
        trained.Clear();

        await Compare(Request("pimm,shared-bottom,pimm:alpha=0:floor=0") with { Seeds = 2 });

        trained.Count.ShouldBe(4);
        trained.ShouldAllBe(cell => cell.Options.Seed == 2 || cell.Model == "pimm:alpha=0:floor=0");
    }

    [Fact]
    public async Task The_rate_of_a_model_is_the_one_with_the_smallest_mean_validation_loss()
    {
        var result = await Compare(Request() with { Rates = [0.0001, 0.01] });

        trained.Count(cell => cell.Sweep).ShouldBe(2 * 2 * ComparisonRequest.SweepSeeds);
        trained.Where(cell => cell.Sweep).Select(cell => cell.Options.Seed).ShouldNotContain(1UL);
        trained.Where(cell => !cell.Sweep).ShouldAllBe(cell => cell.Options.LearningRate == 0.01);
        result.Models.ShouldAllBe(model => model.LearningRate == 0.01 && model.Rates["0.01"] < model.Rates["0.0001"]);
        Directory.GetFiles(Path.Combine(funnel.At("out"), "cells"), "*-sweep.f32").ShouldBeEmpty();
    }

    [Fact]
    public async Task Says_a_wrong_setting_before_anything_is_packed()
    {
        var refused = await Should.ThrowAsync<InputException>(() => Compare(Request("pimm,shared-bottom:bottoms=8")));

        refused.Message.ShouldContain("'bottoms' is unknown to the model 'shared-bottom'");
        Directory.Exists(funnel.At("out")).ShouldBeFalse();
    }

    [Fact]
    public async Task Refuses_a_folder_that_holds_a_comparison_of_other_columns()
    {
        await Compare(Request());
        var request = Request();

        var refused = await Should.ThrowAsync<InputException>(() => Compare(request with { Data = request.Data with { Ignore = ["noise"] } }));

        refused.Message.ShouldContain("holds a comparison on other rows or with other columns; give another --out");
    }

    [Fact]
    public async Task A_result_of_other_settings_or_rows_is_not_taken_for_this_ones()
    {
        await Compare(Request());
        var results = Directory.GetFiles(Path.Combine(funnel.At("out"), "cells"), "*-pimm-*.json");
        var result = ModelDescription.FromJson(File.ReadAllText(results.ShouldHaveSingleItem()));
        trained.Clear();

        // As if a default had been another one when it was trained.
        File.WriteAllText(results[0], (result with { Settings = result.Settings.ToDictionary(pair => pair.Key, pair => pair.Key == "l2" ? "0.5" : pair.Value) }).ToJson());
        await Compare(Request());
        trained.ShouldHaveSingleItem().Model.ShouldBe("pimm");
        trained.Clear();

        File.WriteAllText(results[0], (result with { Data = result.Data! with { SnapshotSha256 = "another" } }).ToJson());
        await Compare(Request());
        trained.ShouldHaveSingleItem().Model.ShouldBe("pimm");
    }

    [Fact]
    public async Task More_seeds_leave_the_sweep_as_it_was()
    {
        var request = Request() with { Rates = [0.001, 0.01] };
        await Compare(request);
        trained.Clear();

        await Compare(request with { Seeds = 2 });

        trained.ShouldAllBe(cell => !cell.Sweep && cell.Options.Seed == 2);
    }

    [Fact]
    public async Task A_rate_that_diverges_in_the_sweep_is_not_chosen_and_one_in_a_training_is_named()
    {
        var request = Request("pimm,pimm:premise=false") with { Rates = [0.001, 0.01] };
        var result = await Compare(request, diverges: cell => cell.Options.LearningRate == 0.001);

        result.Models.ShouldAllBe(model => model.LearningRate == 0.01 && double.IsPositiveInfinity(model.Rates["0.001"]));
        var failure = await Should.ThrowAsync<InputException>(() => Compare(Request() with { Seeds = 2 }, diverges: cell => cell.Options.Seed == 2));
        failure.Message.ShouldBe("pimm, split 1, seed 2: too large");
    }

    [Fact]
    public async Task Two_comparisons_do_not_work_in_one_folder_at_a_time()
    {
        var request = Request();
        using var other = ComparisonFolder.Claim(request.Folder, request.Data);

        var refused = await Should.ThrowAsync<InputException>(() => Compare(request));

        refused.Message.ShouldContain("Another comparison is at work in ");
    }

    [Fact]
    public async Task A_model_with_a_rate_of_its_own_is_not_swept()
    {
        var refused = await Should.ThrowAsync<InputException>(() => Compare(Request("pimm,mmoe:lr=0.01") with { Rates = [0.001, 0.01] }));

        refused.Message.ShouldBe("The model 'mmoe:lr=0.01' sets lr, which --sweep-lr is to choose; leave one of the two out.");
        (await Compare(Request("pimm,mmoe:lr=0.02"))).Models.Select(model => model.LearningRate).ShouldBe([0.01, 0.02]);
    }

    [Theory]
    [InlineData("pimm", "--models names 1 model; a comparison needs at least two")]
    [InlineData("pimm,pimm", "'pimm' is named twice in --models")]
    [InlineData("pimm,mlp", "There is no model 'mlp'; there are ")]
    [InlineData("esm2,pimm,esmm", "The candidate 'esm2' is 'esmm' on a chain of stages")]
    [InlineData("pimm,pimm:premise", "'premise' in the model 'pimm:premise' is no key=value")]
    public void Refuses_a_list_of_models_that_is_no_comparison(string list, string sentence) =>
        Should.Throw<InputException>(() => ComparedModel.ParseAll(list, new Dictionary<string, string>())).Message.ShouldContain(sentence);

    [Fact]
    public void Several_splits_need_random_ones()
    {
        var request = Request() with { Splits = 10 };

        Should.Throw<InputException>(() => (request with { Data = request.Data with { Time = "day" } }).Validated())
            .Message.ShouldBe("--splits 10 needs random splits, but --time fixes the test rows; leave one of the two out.");
    }

    public void Dispose() => funnel.Dispose();

    private ComparisonRequest Request(string models = "pimm,shared-bottom") => new()
    {
        Data = new DatasetOptions { Data = funnel.File, Tasks = ["click", "buy"] },
        Models = ComparedModel.ParseAll(models, new Dictionary<string, string> { ["embedding"] = "4" }),
        Seeds = 1,
        Training = new TrainingOptions { Batch = 200, LearningRate = 0.01, Epochs = 2, Threads = 1 },
        Folder = funnel.At("out"),
    };

    private async Task<ComparisonResult> Compare(ComparisonRequest request, Action? beforeEach = null, Func<TrainingCell, bool>? diverges = null) =>
        await new RunComparison(request, (cell, cancellationToken) =>
        {
            beforeEach?.Invoke();
            if (diverges?.Invoke(cell) == true)
            {
                throw new TrainingDivergedException("too large");
            }

            cell.Run(new TrainModel(TimeProvider.System), Path.Combine(request.Folder, "cells"), cancellationToken);
            trained.Add(cell);
            return Task.CompletedTask;
        }, _ => { }).RunAsync((_, _) => { }, TestContext.Current.CancellationToken);

    private static string Json(ComparisonResult result) => System.Text.Json.JsonSerializer.Serialize(result, ComparisonResult.Layout);
}
