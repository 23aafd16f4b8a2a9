using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Training;

[Collection(TorchCollection.Name)]
public class TrainedModelTests
{
    [Fact]
    public void A_folder_read_back_predicts_what_the_training_run_measured()
    {
        using var toy = new ToyFunnel(1500);
        var model = toy.Train(ToyFunnel.Request());
        model.Save(toy.At("model"));

        using var predictor = Predictor.Load(toy.At("model"), threads: 1);
        var rows = toy.Data.RowsOf(Split.Test);
        int[] ids = [.. rows.SelectMany(row => toy.Data.Ids(row, 1).ToArray())];
        byte[] labels = [.. rows.SelectMany(row => toy.Data.Labels(row, 1).ToArray())];

        var metrics = TaskMetrics.Of(["click", "buy"], labels, predictor.Predict(ids));

        metrics.Select(task => task.LogLoss).ShouldBe(model.Description.Test.Select(task => task.LogLoss));
        metrics.Select(task => task.ConditionalAuc).ShouldBe(model.Description.Test.Select(task => task.ConditionalAuc));
        predictor.Model.Weights.ShouldBe(model.Weights);
        predictor.Model.FeatureMap.ShouldBe(model.FeatureMap);
        Directory.GetFiles(toy.At("model")).Select(Path.GetFileName).Order().ShouldBe(["feature_map.json", "model.json", "weights.safetensors"]);
    }

    // Invariant 9: the clock of the curriculum survives.
    [Fact]
    public void Its_description_reads_back_with_the_epoch_counter_and_every_setting()
    {
        using var toy = new ToyFunnel(1200);
        var description = toy.Train(ToyFunnel.Request()).Description;

        var again = ModelDescription.FromJson(description.ToJson());

        again.ToJson().ShouldBe(description.ToJson());
        again.EpochsTrained.ShouldBe(description.EpochsTrained);
        PimmOptions.From(new NetworkSettings("pimm", again.Settings)).Curriculum.ProbabilityAt(again.EpochsTrained)
            .ShouldBe(new PimmOptions().Curriculum.ProbabilityAt(description.EpochsTrained));
        again.Settings.Count.ShouldBe(21);
        again.Training.ShouldBe(description.Training);
    }

    [Fact]
    public void Probabilities_do_not_depend_on_how_many_rows_are_asked_for_at_once()
    {
        using var toy = new ToyFunnel(1200);
        using var predictor = new Predictor(toy.Train(ToyFunnel.Request()), threads: 1);
        var ids = toy.Data.Ids(0, 300).ToArray();

        var together = predictor.Predict(ids);
        var apart = Enumerable.Range(0, 300).SelectMany(row => predictor.Predict(ids.AsSpan(row * predictor.Fields, predictor.Fields))).ToArray();

        together.ShouldBe(apart, 1e-6);
    }

    [Fact]
    public void Refuses_ids_outside_of_the_feature_map()
    {
        using var toy = new ToyFunnel(1200);
        using var predictor = new Predictor(toy.Train(ToyFunnel.Request()));

        Should.Throw<InputException>(() => predictor.Predict([0, 3, 0])).Message
            .ShouldBe("Row 0 has the id 3 in field 1; it must be 0 to 2: encode with the model's own feature map.");
        Should.Throw<InputException>(() => predictor.Predict([0, 0])).Message.ShouldContain("the model takes 3 ids a row");
    }

    [Fact]
    public void Refuses_a_folder_that_is_no_model_and_weights_of_another_network()
    {
        using var toy = new ToyFunnel(1200);
        var model = toy.Train(ToyFunnel.Request());
        Directory.CreateDirectory(toy.At("empty"));

        Should.Throw<InputException>(() => TrainedModel.Load(toy.At("empty"))).Message.ShouldContain("holds no model.json");
        Should.Throw<InputException>(() => TrainedModel.From("{", "", [])).Message.ShouldContain("model.json is not valid JSON");
        Should.Throw<InputException>(() => TrainedModel.From("{}", "", [])).Message.ShouldContain("lacks its kind");
        Should.Throw<InputException>(() => new Predictor(model with { Weights = model.Weights[..^8] }));
        var wider = model.Description with { Settings = new Dictionary<string, string>(model.Description.Settings) { ["embedding"] = "5" } };
        Should.Throw<InputException>(() => new Predictor(model with { Description = wider })).Message.ShouldContain("weights and description do not belong together");
    }

    [Fact]
    public void Saving_replaces_a_model_but_nothing_else()
    {
        using var toy = new ToyFunnel(1200);
        var model = toy.Train(ToyFunnel.Request());
        model.Save(toy.At("model"));
        Directory.CreateDirectory(toy.At("papers"));
        File.WriteAllText(toy.At("papers/thesis.txt"), "years of work");

        model.Save(toy.At("model"));

        Should.Throw<InputException>(() => model.Save(toy.At("papers"))).Message.ShouldContain("holds something else than a trained model");
        File.ReadAllText(toy.At("papers/thesis.txt")).ShouldBe("years of work");
        Directory.GetDirectories(toy.At(".")).Length.ShouldBe(2);
    }
}
