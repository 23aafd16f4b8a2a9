using Pimm.Core.Datasets;
using System.Security.Cryptography;
using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using TorchSharp;
using Xunit;

namespace Pimm.Core.Tests.Training;

[Collection(TorchCollection.Name)]
public class TrainingRunTests
{
    // The best possible AUC of click is 0.8: a coin of .8 against one of .2.
    [Theory]
    [MemberData(nameof(Names))]
    public void Learns_a_target_that_nothing_linear_can_learn(string kind)
    {
        using var toy = new ToyFunnel();

        var model = toy.Train(ToyFunnel.Request(kind)).Description;

        model.Test[0].Auc!.Value.ShouldBeGreaterThan(0.76);
        model.Test[1].Auc!.Value.ShouldBeGreaterThan(0.80);
        model.Test.ShouldAllBe(task => task.Calibration > 0.75 && task.Calibration < 1.3);
        model.BestEpoch.ShouldBeInRange(1, model.EpochsTrained);
        model.Epochs.Count.ShouldBe(model.EpochsTrained);
    }

    public static TheoryData<string> Names => [.. NetworkCatalog.Names];

    [Fact]
    public void The_same_seed_and_threads_give_the_same_weights_bit_for_bit_and_another_seed_others()
    {
        using var toy = new ToyFunnel(1200);

        var first = toy.Train(Short(5));
        var again = toy.Train(Short(5));
        var other = toy.Train(Short(6));

        SHA256.HashData(again.Weights).ShouldBe(SHA256.HashData(first.Weights));
        SHA256.HashData(other.Weights).ShouldNotBe(SHA256.HashData(first.Weights));
    }

    [Fact]
    public void One_thread_computes_small_batches_unless_somebody_says_otherwise()
    {
        using var toy = new ToyFunnel(1200);
        var request = Short(5);

        toy.Train(request with { Options = request.Options with { Threads = null } }).Description.Training.Threads.ShouldBe(1);
        toy.Train(request with { Options = request.Options with { Threads = 2 } }).Description.Training.Threads.ShouldBe(2);
    }

    // Invariant A13: without dropout the order of rows and the premises are all that is random after the first weights.
    [Fact]
    public void The_curriculum_changes_the_weights_but_a_network_without_premises_has_none()
    {
        using var toy = new ToyFunnel(1200);

        var forced = toy.Train(With(Short(5), ("alpha", "1"), ("step", "0"), ("floor", "1")));
        var predicted = toy.Train(With(Short(5), ("alpha", "0"), ("step", "0")));
        var bottom = toy.Train(ToyFunnel.Request("shared-bottom") with { Options = Short(5).Options });

        forced.Description.Epochs[0].PremiseProbability.ShouldBe(1);
        predicted.Description.Epochs[0].PremiseProbability.ShouldBe(0);
        bottom.Description.Epochs[0].PremiseProbability.ShouldBeNull();
        predicted.Weights.ShouldNotBe(forced.Weights);
    }

    [Fact]
    public void Never_stops_before_the_curriculum_has_reached_its_floor_and_soon_after()
    {
        using var toy = new ToyFunnel(1200);
        var request = With(ToyFunnel.Request(), ("alpha", "0.8"), ("step", "0.2"), ("patience", "1"));

        var model = toy.Train(request with { Options = request.Options with { LearningRate = 0.5, Epochs = 30 } }).Description;

        model.EpochsTrained.ShouldBeGreaterThanOrEqualTo(5);
        model.EpochsTrained.ShouldBe(Math.Max(5, model.BestEpoch + 1));
    }

    [Fact]
    public void A_refit_trains_its_epochs_on_all_but_the_test_rows_and_keeps_the_last()
    {
        using var toy = new ToyFunnel(1200);
        var request = With(ToyFunnel.Request(), ("patience", "1"));
        var samples = 0L;

        var model = toy.Train(
            request with { Options = request.Options with { Refit = true, LearningRate = 0.05, Epochs = 12 } }, progress => samples = progress.SamplesInEpoch);

        (model.Description.EpochsTrained, model.Description.BestEpoch).ShouldBe((12, 12));
        samples.ShouldBe(toy.Data.Rows - model.Description.Rows.Test);
        using var predictor = new Predictor(model, threads: 1);
        var rows = toy.Data.RowsOf(Split.Validation);
        byte[] labels = [.. rows.SelectMany(row => toy.Data.Labels(row, 1).ToArray())];
        var kept = TaskMetrics.Of(toy.Data.TaskNames, labels, predictor.Predict(toy.Data.IdsOf(rows))).Sum(task => task.LogLoss);
        kept.ShouldBe(model.Description.Epochs[^1].ValidationLogLoss, 1e-5);
        kept.ShouldBeGreaterThan(model.Description.Epochs.Min(epoch => epoch.ValidationLogLoss) + 1e-4);
    }

    [Fact]
    public void The_whole_validation_part_chooses_where_nothing_is_to_be_calibrated()
    {
        using var toy = new ToyFunnel(1200);

        var model = toy.Train(With(Short(3), ("wholeValidation", "true"))).Description;

        model.Calibrators!.ShouldAllBe(task => task.Note == "not fitted: every validation row chose the epoch");
        var rows = toy.Data.RowsOf(Split.Validation).Concat(toy.Data.RowsOf(Split.Calibration)).ToArray();
        model.Epochs[0].Validation[0].Positives.ShouldBe(rows.Sum(row => toy.Data.Labels(row, 1)[0]));
    }

    [Fact]
    public void A_refit_that_would_end_while_labels_are_shown_is_refused()
    {
        using var toy = new ToyFunnel(1200);
        var request = ToyFunnel.Request();

        var failure = Should.Throw<InputException>(() => toy.Train(request with { Options = request.Options with { Refit = true, Epochs = 2 } }));

        failure.Message.ShouldBe("A refit of 2 epochs would end while labels are still shown; give at least 3 epochs, or a curriculum that ends sooner.");
    }

    [Fact]
    public void Leaves_no_live_tensor_behind()
    {
        using var toy = new ToyFunnel(1200);
        toy.Train(Short(1));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = torch.Tensor.TotalCount;

        toy.Train(Short(2));

        torch.Tensor.TotalCount.ShouldBe(before);
    }

    [Fact]
    public void Stops_between_two_batches_when_asked()
    {
        using var toy = new ToyFunnel(6000);
        using var stop = new CancellationTokenSource();
        var reports = 0;

        Should.Throw<OperationCanceledException>(() => toy.Train(
            ToyFunnel.Request(),
            _ =>
            {
                reports++;
                stop.Cancel();
            },
            stop.Token));

        reports.ShouldBe(1);
    }

    [Fact]
    public void A_loss_that_is_no_number_stops_with_the_epoch_and_the_learning_rate()
    {
        using var toy = new ToyFunnel(1200);
        using var network = new PimmNetwork(new(toy.Data.VocabularySizes, 2), new());
        using (torch.no_grad())
        {
            network.Regularised[0].fill_(double.NaN);
        }

        var failure = Should.Throw<InputException>(() =>
            new TrainingLoop(network, toy.Data, Short(1).Options, TimeProvider.System).Run(_ => { }, CancellationToken.None));

        failure.Message.ShouldBe("The loss stopped being a number in epoch 1 at learning rate 0.01; choose a smaller one.");
    }

    [Fact]
    public void Reports_pace_and_the_epochs_as_they_finish()
    {
        using var toy = new ToyFunnel(6000);
        var reports = new List<TrainingProgress>();

        var model = toy.Train(Short(1), reports.Add).Description;

        reports.Where(report => report.Finished is not null).Select(report => report.Epoch).ShouldBe(Enumerable.Range(1, model.EpochsTrained));
        reports.ShouldAllBe(report => report.SamplesPerSecond > 0 && report.Samples <= report.SamplesInEpoch && report.LastEpoch >= report.Epoch);
        reports.Any(report => report.Finished is null && report.Samples < report.SamplesInEpoch && report.Remaining > TimeSpan.Zero).ShouldBeTrue();
        reports[^1].Remaining.ShouldBe(TimeSpan.Zero);
    }

    [Theory]
    [InlineData("cuda:0", "finds no CUDA device")]
    [InlineData("tpu", "There is no device 'tpu'; choose cpu or cuda:0.")]
    public void Refuses_a_device_that_is_not_there(string device, string sentence)
    {
        Assert.SkipWhen(device.StartsWith("cuda", StringComparison.Ordinal) && torch.cuda.is_available(), "this machine has one");
        using var toy = new ToyFunnel(1200);

        Should.Throw<InputException>(() => toy.Train(Short(1) with { Options = Short(1).Options with { Device = device } })).Message.ShouldContain(sentence);
    }

    private static TrainingRequest Short(ulong seed) =>
        ToyFunnel.Request() with { Options = ToyFunnel.Request().Options with { Seed = seed, Epochs = 3 } };

    private static TrainingRequest With(TrainingRequest request, params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string>(request.Settings);
        foreach (var (key, value) in settings)
        {
            all[key] = value;
        }

        return request with { Settings = all };
    }
}
