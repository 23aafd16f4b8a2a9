using Pimm.Core.Datasets;
using Pimm.Core.FeatureEncoding;
using Pimm.Core.Importing;
using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Training;

[Collection(TorchCollection.Name)]
public class AmountModelTests
{
    private static readonly AmountModel Standardised = new(AmountScale.Standardised, 10, 4, [], 10, 0, 40);
    private static readonly AmountModel Logarithmic = new(AmountScale.Log1p, 2, 0.5, [new(2.5, 1.25), new(double.PositiveInfinity, 2)], 12, 0, 500);

    [Fact]
    public void An_amount_goes_to_the_training_scale_and_back()
    {
        Standardised.ToTraining(14).ShouldBe(1);
        Standardised.ToAmount(1).ShouldBe(14);
        Logarithmic.ToTraining((float)(Math.Exp(3) - 1)).ShouldBe(2, 1e-6f);
        Logarithmic.ToAmount(2).ShouldBe(1.25 * Math.Exp(3) - 1, 1e-9);
        Logarithmic.ToAmount(3).ShouldBe(2 * Math.Exp(3.5) - 1, 1e-9);
    }

    [Fact]
    public void A_prediction_is_never_below_zero_where_no_training_amount_is()
    {
        Standardised.ToAmount(-3).ShouldBe(0);
        (Standardised with { Least = null }).ToAmount(-3).ShouldBe(-2);
        Logarithmic.ToAmount(-80).ShouldBe(0);
        Logarithmic.ToAmount(80).ShouldBe(500);
    }

    // Predicting the mean of the logarithms for all: smearing gives back the mean of the amounts themselves.
    [Fact]
    public void The_smearing_factor_puts_the_mean_of_the_amounts_right()
    {
        float[] amounts = [0, 3, 8, 40, 120];
        var model = Logarithmic with { Smearing = [], Mean = amounts.Average(amount => Math.Log(1.0 + amount)) };

        var smeared = model.WithSmearing(new AmountPredictions(new float[5], amounts));

        smeared.ToAmount(0).ShouldBe(amounts.Average(), 1e-5);
        smeared.Smearing.ShouldHaveSingleItem().Factor.ShouldBeGreaterThan(1);
        Standardised.WithSmearing(new AmountPredictions(new float[5], amounts)).Smearing.ShouldBeEmpty();
    }

    // Half the rows are surely 0 and half spread around 100: one factor for both would be wrong for each.
    [Fact]
    public void Each_tenth_of_the_predictions_has_a_factor_of_its_own()
    {
        float[] amounts = [.. Enumerable.Range(0, 1000).Select(row => row < 500 ? 0f : row % 2 == 0 ? 20f : 180f)];
        float[] outputs = [.. Enumerable.Range(0, 1000).Select(row => row < 500 ? -4f : 4f)];
        var model = Logarithmic with { Smearing = [] };

        var smeared = model.WithSmearing(new AmountPredictions(outputs, amounts));

        smeared.ToAmount(-4).ShouldBe(0, 1e-3);
        smeared.ToAmount(4).ShouldBe(100, 0.5);
    }

    [Fact]
    public void Metrics_stand_beside_predicting_the_training_mean()
    {
        var metrics = AmountMetrics.Of(Standardised, new AmountPredictions([-2.5f, 0, 0, 2.5f], [2, 8, 12, 14]));

        metrics.Mean.ShouldBe(9);
        metrics.PredictedMean.ShouldBe(10);
        metrics.Mae.ShouldBe((2 + 2 + 2 + 6) / 4.0);
        metrics.Rmse.ShouldBe(Math.Sqrt((4 + 4 + 4 + 36) / 4.0));
        metrics.MaeOfMean.ShouldBe((8 + 2 + 2 + 4) / 4.0);
        metrics.RmseOfMean.ShouldBe(Math.Sqrt((64 + 4 + 4 + 16) / 4.0));
        metrics.Spearman!.Value.ShouldBe(4.5 / Math.Sqrt(5 * 4.5), 1e-9);
    }

    [Fact]
    public void Equal_predictions_have_no_rank_correlation() =>
        AmountMetrics.Of(Standardised, new AmountPredictions([1, 1, 1], [1, 2, 3])).Spearman.ShouldBeNull();

    [Theory]
    [InlineData("standardised")]
    [InlineData("log1p")]
    public void HTLNet_predicts_amounts_better_than_their_mean_and_scores_them(string scale)
    {
        using var toy = new ToyFunnel(amounts: true);
        var request = ToyFunnel.Request("htlnet");
        var settings = new Dictionary<string, string>(request.Settings) { ["amountScale"] = scale, ["fusion"] = "16" };

        var model = toy.Train(request with { Settings = settings });

        var amount = model.Description.AmountTest.ShouldNotBeNull();
        amount.Rows.ShouldBe(model.Description.Rows.Test);
        amount.Rmse.ShouldBeLessThan(0.9 * amount.RmseOfMean);
        amount.Mae.ShouldBeLessThan(0.95 * amount.MaeOfMean);
        (amount.PredictedMean / amount.Mean).ShouldBe(1, 0.25);
        amount.Spearman!.Value.ShouldBeGreaterThan(0.4);
        model.Description.Test[1].Auc!.Value.ShouldBeGreaterThan(0.8);
        model.Description.Epochs.ShouldAllBe(epoch => epoch.ValidationAmountError < 1.05);
        Scored(toy, model).PredictedMean.ShouldBe(amount.PredictedMean, 1e-3);
    }

    [Fact]
    public void A_network_that_predicts_no_amount_leaves_it_aside()
    {
        using var toy = new ToyFunnel(1200, amounts: true);

        var model = toy.Train(ToyFunnel.Request("shared-bottom"));

        model.Description.Amount.ShouldBeNull();
        model.Description.ScoreNames().ShouldBe(["click", "buy"]);
        using var predictor = new Predictor(model);
        Should.Throw<InputException>(() => predictor.Predict(toy.Data.Ids(0, 1), new float[2], new float[1])).Message.ShouldContain("the model predicts no amount");
    }

    [Fact]
    public void Log1p_refuses_negative_amounts()
    {
        using var folder = new Importing.TemporaryFolder();
        var file = folder.Write("refunds.csv", "shop,click,spent\n" + string.Concat(Enumerable.Range(0, 60).Select(row => $"s{row % 2},{row % 3 / 2},{(row == 7 ? -3 : row)}\n")));
        using var data = DatasetBuilder.FromFile(new DatasetOptions { Data = file, Tasks = ["click"], Amount = "spent" }).Snapshot;
        var request = new TrainingRequest("htlnet", new Dictionary<string, string> { ["amountScale"] = "log1p" }, new TrainingOptions { Epochs = 1, Threads = 1 });

        Should.Throw<InputException>(() => new TrainModel(TimeProvider.System).Run(request, data, _ => { }, CancellationToken.None)).Message
            .ShouldBe("amountScale=log1p takes amounts from 0 upwards, but there is one of -3; choose amountScale=standardised or correct the file.");
    }

    private static (double PredictedMean, int Columns) Scored(ToyFunnel toy, TrainedModel model)
    {
        using var predictor = new Predictor(TrainedModel.From(model.Description.ToJson(), model.FeatureMap, model.Weights), threads: 1);
        var rows = toy.Data.RowsOf(Split.Test);
        var amounts = new float[rows.Length];
        predictor.Predict(rows.SelectMany(row => toy.Data.Ids(row, 1).ToArray()).ToArray(), new float[rows.Length * 2], amounts);
        using var file = DelimitedReader.Open(toy.File);
        var columns = 0;
        var (count, summaries) = FileScoring.Run(predictor, file, (_, values) => columns = values.Length, CancellationToken.None);
        (columns, summaries.Count, summaries[2].Name, count).ShouldBe((3, 3, "amount", toy.Data.Rows));
        summaries[2].Least.ShouldBeGreaterThanOrEqualTo(0);
        return (amounts.Average(), columns);
    }
}
