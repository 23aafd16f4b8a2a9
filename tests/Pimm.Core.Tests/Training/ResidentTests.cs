using System.Text.Json;
using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using TorchSharp;
using TorchSharp.Accelerated;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Training;

/// <summary>
/// The training of a device, run on the CPU: the same rows, premises, Adam and steps, called where a device would launch a recording.
/// </summary>
[Collection(TorchCollection.Name)]
public sealed class ResidentTests : IDisposable
{
    private const int Batch = 100;
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose()
    {
        Operator.Called = null;
        scope.Dispose();
    }

    [Fact]
    public void Adam_with_its_state_on_the_device_takes_adams_steps_while_the_rate_changes()
    {
        var pairs = new[] { 1000, 7 }.Select(size => randn(size)).Select(start => (One: new Parameter(start.clone()), Other: new Parameter(start.clone()))).ToList();
        double[] decays = [0, 0.1];
        var usual = pairs.Zip(decays, (pair, decay) => optim.Adam([pair.One], weight_decay: decay)).ToList();
        var moments = pairs.Zip(decays, (pair, decay) => optim.Adam([pair.Other], weight_decay: decay)).ToList();
        using var device = new DeviceAdam(moments.Zip(decays), 1e-3, CPU);

        for (var step = 1; step <= 50; step++)
        {
            var rate = 1e-3 * (1 + Math.Sin(step)) / step;
            pairs.ForEach(pair => pair.One.grad = pair.Other.grad = randn(pair.One.shape[0]) * step);
            usual.ForEach(adam => adam.LearningRate = rate);
            usual.ForEach(adam => adam.step());
            device.LearningRate = rate;
            device.Step();
            if (step == 25)
            {
                // As a checkpoint does: the count to the optimizers and back.
                device.Keep();
                moments[0].state_dict().State.Cast<Adam.State>().Single().step.ShouldBe(25);
                device.Resume();
            }
        }

        pairs.ForEach(pair => (pair.One - pair.Other).abs().max().item<float>().ShouldBeLessThan(1e-6f));
        pairs.ForEach(pair => pair.One.abs().max().item<float>().ShouldBeGreaterThan(0.01f));
    }

    [Theory]
    [InlineData(CurriculumClock.Step, PremiseDraw.PerPremise)]
    [InlineData(CurriculumClock.Epoch, PremiseDraw.PerRow)]
    [InlineData(CurriculumClock.Step, PremiseDraw.PerBatch)]
    public void Steps_that_know_nothing_of_the_host_are_steps_with_its_numbers(CurriculumClock clock, PremiseDraw draw)
    {
        using var toy = new ToyFunnel(1200);
        var curriculum = new PremiseCurriculum(0.9, 0.3, 0.2, clock, draw);
        using var resident = New(toy, curriculum, resident: true);
        using var gathered = New(toy, curriculum, resident: false);
        using var steps = new ResidentStep(resident, new ResidentRows(toy.Data, null, CPU), Options, Batch);
        using var loss = new NetworkLoss(gathered.Network, CPU);
        var batches = new SnapshotBatches(toy.Data);
        var orders = new List<int[]>();
        (gathered.Order.Length % Batch).ShouldBeGreaterThan(0);

        for (var epoch = 0; epoch < 3; epoch++)
        {
            steps.BeginEpoch();
            steps.Keep();
            orders.Add([.. resident.Order]);
            var drawn = steps.Draws!.data<float>().ToArray();
            for (resident.Row = 0; resident.Row < resident.Order.Length; resident.Row += Batch)
            {
                var count = Math.Min(Batch, resident.Order.Length - resident.Row);
                var progress = epoch + (double)resident.Row / resident.Order.Length;
                steps.Take(count);
                TakeOne(gathered, loss, batches, resident.Order.AsSpan(resident.Row, count), Shown(resident.Row, count, curriculum.ProbabilityAt(progress)));
            }

            resident.EndEpoch(new(epoch + 1, 0, 0, 0, []));

            float[] Shown(int row, int count, double probability) =>
                [.. Enumerable.Range(0, count).Select(at => drawn[draw == PremiseDraw.PerBatch ? row : row + at] < probability ? 1f : 0f)];
        }

        orders.ShouldAllBe(order => order.Order().SequenceEqual(gathered.Order.Order()));
        orders[1].SequenceEqual(orders[0]).ShouldBeFalse();
        foreach (var (one, other) in resident.Network.parameters().Zip(gathered.Network.parameters()))
        {
            (one - other).abs().max().item<float>().ShouldBeLessThan(2e-5f);
        }

        // Nobody began their epochs: the sums are over all three.
        resident.Losses.item<float>().ShouldBe(gathered.Losses.item<float>(), 1e-3f);
    }

    // What a recording would freeze: a number of the host in an operator's arguments. Numbers that are read would be its end.
    [Theory]
    [InlineData("pimm")]
    [InlineData("htlnet")]
    [InlineData("aitm")]
    [InlineData("tafe")]
    public void Every_step_calls_the_same_operators_with_the_same_numbers_and_reads_none(string kind)
    {
        using var toy = new ToyFunnel(600, amounts: kind == "htlnet");
        var request = ToyFunnel.Request(kind);
        var settings = new Dictionary<string, string>(request.Settings) { ["clock"] = "step" };
        _ = kind == "pimm" || settings.Remove("clock");
        var network = NetworkCatalog.Create(kind, new(toy.Data.VocabularySizes, 2, toy.Data.HasAmounts), settings).Network;
        using var state = new TrainingState(network, Options, toy.Data.RowsOf(Split.Train), Batch, 0);
        var amount = network.PredictsAmount ? AmountModel.Fit(toy.Data, state.Order, network.Objective.AmountScale) : null;
        using var steps = new ResidentStep(state, new ResidentRows(toy.Data, amount, CPU), Options, Batch);
        steps.BeginEpoch();
        var calls = new List<List<string>>();

        for (var step = 0; step < 3; step++)
        {
            calls.Add([]);
            Operator.Called = calls[^1].Add;
            steps.Take(Batch);
            Operator.Called = null;
        }

        calls[1].Count.ShouldBeGreaterThan(50);
        calls[2].ShouldBe(calls[1]);
        calls[2].ShouldNotContain(call => call.StartsWith("item(", StringComparison.Ordinal) || call.StartsWith("equal(", StringComparison.Ordinal) || call.StartsWith("nonzero(", StringComparison.Ordinal));
    }

    [Fact]
    public void It_comes_to_as_good_a_model_and_to_the_same_bits_from_the_same_seed()
    {
        using var toy = new ToyFunnel();

        var gathered = toy.Train(ToyFunnel.Request()).Description;
        var resident = toy.Train(Resident(ToyFunnel.Request()));
        var again = toy.Train(Resident(ToyFunnel.Request()));
        var other = toy.Train(Resident(ToyFunnel.Request(), seed: 6));

        resident.Description.Epochs.Min(epoch => epoch.ValidationLogLoss).ShouldBe(gathered.Epochs.Min(epoch => epoch.ValidationLogLoss), 0.02);
        resident.Description.Test[0].Auc!.Value.ShouldBeGreaterThan(0.76);
        resident.Description.Test[1].Auc!.Value.ShouldBeGreaterThan(0.80);
        again.Weights.SequenceEqual(resident.Weights).ShouldBeTrue();
        other.Weights.SequenceEqual(resident.Weights).ShouldBeFalse();
    }

    [Theory]
    [InlineData("pimm", 1)]
    [InlineData("pimm", 2)]
    [InlineData("htlnet", 3)]
    public void Cut_off_anywhere_it_goes_on_to_the_very_weights(string kind, int cut)
    {
        using var toy = new ToyFunnel(amounts: kind == "htlnet");
        var request = Resident(kind == "pimm" ? CheckpointTests.Request(kind, ("clock", "step")) : CheckpointTests.Request(kind));
        var whole = toy.Train(request);
        CheckpointTests.CutOff(toy, request, toy.At("cut"), cut);
        manual_seed(999);

        var notes = new List<string>();
        var plan = new CheckpointPlan(new CheckpointFolder(toy.At("cut"), 2), TimeSpan.Zero) { Resume = true, Resumed = notes.Add, Unusable = notes.Add };
        var resumed = CheckpointTests.Train(toy, request, plan);

        notes.ShouldHaveSingleItem().ShouldStartWith("Training goes on from ");
        resumed.Weights.SequenceEqual(whole.Weights).ShouldBeTrue();
        resumed.Description.Epochs.Select(epoch => epoch.TrainingLoss).ShouldBe(whole.Description.Epochs.Select(epoch => epoch.TrainingLoss));
    }

    [Fact]
    public void Rows_that_do_not_fit_are_copied_batch_by_batch_and_it_is_said()
    {
        using var toy = new ToyFunnel(1200);
        var request = ToyFunnel.Request();
        var small = Resident(request) with { Options = Resident(request).Options with { DeviceMemory = 40_000 } };
        var notes = new List<string?>();

        var copied = toy.Train(small, progress => notes.Add(progress.Note));

        notes.OfType<string>().ShouldHaveSingleItem().ShouldBe("1,200 rows need 1 MiB on the device, which has 1 MiB free, a quarter of it for the network; every batch is copied to it instead, which is slower.");
        notes[0].ShouldNotBeNull();
        // On the CPU embedding tables take their steps by another way, which rounds otherwise.
        copied.Description.Epochs.Select(epoch => epoch.TrainingLoss).ShouldBe(toy.Train(request).Description.Epochs.Select(epoch => epoch.TrainingLoss), 1e-4);
    }

    [Fact]
    public void Settings_of_a_device_are_recorded_and_refused_on_the_cpu()
    {
        var given = new Dictionary<string, string> { ["tf32"] = "true", ["cudaGraph"] = "true" };
        var options = (new TrainingOptions { Device = "cuda:0" }).Taking(given);

        JsonSerializer.Serialize(options, JsonSerializerOptions.Web).ShouldContain("\"tf32\":true,\"cudaGraph\":true");
        JsonSerializer.Serialize(new TrainingOptions(), JsonSerializerOptions.Web).ShouldNotContain("tf32");
        foreach (var key in new[] { "tf32", "cudaGraph" })
        {
            Should.Throw<InputException>(() => new TrainingOptions().Taking(new Dictionary<string, string> { [key] = "true" })).Message
                .ShouldBe($"The setting {key}=true is for a CUDA device and does nothing on the cpu; give --device cuda:0, or leave it out.");
        }
    }

    [Fact]
    public void The_switch_of_tf32_is_torchs_own_and_a_training_sets_it()
    {
        using var toy = new ToyFunnel(600);
        backends.cuda.matmul.allow_tf32.ShouldBeFalse();
        backends.cuda.matmul.allow_tf32 = true;
        backends.cuda.matmul.allow_tf32.ShouldBeTrue();

        toy.Train(ToyFunnel.Request() with { Options = new TrainingOptions { Batch = Batch, Epochs = 1, Threads = 1 } });

        backends.cuda.matmul.allow_tf32.ShouldBeFalse();
    }

    [Fact]
    public void Without_cuda_nothing_is_recorded_or_drawn_on_a_device()
    {
        Assert.SkipWhen(cuda.is_available(), "this machine has one");

        Should.Throw<TorchException>(() => new StepGraph(CUDA, () => { })).Message.ShouldBe("step graph: this libtorch has no CUDA: point TORCH_HOME to a CUDA build and build again");
        Should.Throw<TorchException>(() => new Generator(1, CUDA)).Message.ShouldBe("Generator: this libtorch has no CUDA");
    }

    private static TrainingOptions Options => new() { Batch = Batch, Epochs = 3, Averaging = 0, LearningRate = 0.01, Resident = true, CudaGraph = true };

    private static TrainingRequest Resident(TrainingRequest request, ulong? seed = null) =>
        request with { Options = request.Options with { Resident = true, CudaGraph = true, Seed = seed ?? request.Options.Seed } };

    private static TrainingState New(ToyFunnel toy, PremiseCurriculum curriculum, bool resident)
    {
        manual_seed(3);
        var network = new PimmNetwork(new(toy.Data.VocabularySizes, 2), new() { Embedding = 4, Towers = [16, 8], Dropout = [0, 0], TransferDropout = 0, Curriculum = curriculum });
        return new TrainingState(network, Options with { Resident = resident }, toy.Data.RowsOf(Split.Train), Batch, 0);
    }

    private static void TakeOne(TrainingState state, NetworkLoss loss, SnapshotBatches batches, ReadOnlySpan<int> rows, float[] shown)
    {
        using var step = NewDisposeScope();
        batches.Gather(rows);
        var labels = tensor(batches.Labels, [rows.Length, 2]);
        state.Optimizer.ZeroGradients();
        state.AddLoss(loss.Backward(tensor(batches.Ids, [rows.Length, batches.Ids.Length / rows.Length]), new Premise(labels, tensor(shown, [rows.Length, 1])), labels, null));
        state.Optimizer.Step();
    }
}
