using Pimm.Core.Networks;
using Pimm.Core.Tests.Networks;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Training;

/// <summary>PIMM's step as one native function, and what a step leaves behind on the managed side.</summary>
[Collection(TorchCollection.Name)]
public sealed class LearningAtOnceTests : IDisposable
{
    private const int Rows = 700;
    private static readonly PimmOptions Small = new() { Embedding = 5, Towers = [16, 8], Dropout = [0.1, 0.3] };
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Theory]
    [InlineData(EmbeddingUpdates.Dense)]
    [InlineData(EmbeddingUpdates.Lazy)]
    public void It_learns_the_very_weights_that_operator_by_operator_are_learned(EmbeddingUpdates updates)
    {
        var (network, optimizer) = Made(updates, Small);
        var (plain, usual) = Made(updates, Small);
        using var loss = new NetworkLoss(network, CPU);
        using var same = new NetworkLoss(plain, CPU);
        var (losses, sum) = (zeros(1), zeros(1));

        for (var step = 0; step < 20; step++)
        {
            using var inner = NewDisposeScope();
            var (ids, labels) = (TinyNetworks.Ids(Rows), TinyNetworks.Labels(Rows, 2));
            var premise = step < 15 ? new Premise(labels, (rand(Rows, 1) < 0.5).to(ScalarType.Float32)) : null;
            optimizer.ZeroGradients();
            usual.ZeroGradients();
            manual_seed(step);
            loss.LearnsAtOnce(ids, premise, labels, losses).ShouldBeTrue();
            manual_seed(step);
            sum.add_(same.Backward(ids, premise, labels, null));
            optimizer.Step();
            usual.Step();
        }

        optimizer.CatchUp();
        usual.CatchUp();
        losses.item<float>().ShouldBe(sum.item<float>());
        losses.item<float>().ShouldBeGreaterThan(1);
        foreach (var ((name, one), (_, other)) in network.named_parameters().Zip(plain.named_parameters()))
        {
            one.data<float>().ToArray().ShouldBe(other.data<float>().ToArray(), name);
        }
    }

    [Fact]
    public void Gradients_of_two_batches_add_up_and_are_gone_when_they_are_zeroed()
    {
        var (network, optimizer) = Made(EmbeddingUpdates.Dense, Small with { Dropout = [0, 0], TransferDropout = 0 });
        var (plain, usual) = Made(EmbeddingUpdates.Dense, Small with { Dropout = [0, 0], TransferDropout = 0 });
        using var loss = new NetworkLoss(network, CPU);
        using var same = new NetworkLoss(plain, CPU);
        var (ids, labels) = (TinyNetworks.Ids(Rows), TinyNetworks.Labels(Rows, 2));
        loss.LearnsAtOnce(TinyNetworks.Ids(9), null, TinyNetworks.Labels(9, 2), zeros(1));

        optimizer.ZeroGradients();
        loss.LearnsAtOnce(ids, null, labels, zeros(1));
        loss.LearnsAtOnce(ids, null, labels, zeros(1));
        optimizer.Step();
        usual.ZeroGradients();
        same.Backward(ids, null, labels, null);
        same.Backward(ids, null, labels, null);
        usual.Step();

        network.Regularised[0].data<float>().ToArray().ShouldBe(plain.Regularised[0].data<float>().ToArray());
    }

    [Fact]
    public void What_was_looked_up_before_gradients_were_zeroed_still_learns()
    {
        var (network, optimizer) = Made(EmbeddingUpdates.Dense, Small);
        var before = network.Regularised[0].detach().clone();
        var outputs = network.call(TinyNetworks.Ids(Rows), null);

        optimizer.ZeroGradients();
        outputs.sum().backward();
        optimizer.Step();

        (network.Regularised[0] - before).abs().max().item<float>().ShouldBeGreaterThan(1e-4f);
    }

    [Fact]
    public void Where_it_cannot_serve_nothing_is_done()
    {
        Serves(Small with { CalibratorWeight = 1 }).ShouldBeFalse();
        Serves(Small with { Premise = false }).ShouldBeFalse();
        Serves(Small with { Towers = [6], Dropout = [0] }).ShouldBeFalse();
        Serves(Small with { TaskWeights = [1, 2] }).ShouldBeTrue();

        static bool Serves(PimmOptions options)
        {
            var (network, optimizer) = Made(EmbeddingUpdates.Dense, options);
            using var loss = new NetworkLoss(network, CPU);
            var sum = zeros(1);
            var served = loss.LearnsAtOnce(TinyNetworks.Ids(Rows), null, TinyNetworks.Labels(Rows, 2), sum);
            (sum.item<float>() > 0).ShouldBe(served);
            optimizer.Dispose();
            return served;
        }
    }

    // Between two reports of an epoch there are 20 steps, a reading of the loss, and the report.
    [Theory]
    [InlineData(EmbeddingUpdates.Dense)]
    [InlineData(EmbeddingUpdates.Lazy)]
    public void Training_leaves_no_garbage(EmbeddingUpdates updates)
    {
        using var toy = new ToyFunnel(6_000);
        manual_seed(1);
        using var network = new PimmNetwork(new(toy.Data.VocabularySizes, 2), new() { Embedding = 4, Towers = [16, 8], Dropout = [0.1, 0.1] });
        var options = new TrainingOptions { Batch = 20, Epochs = 4, Patience = 4, Threads = 1, EmbeddingUpdates = updates };
        var allocated = new List<long>(1_000);

        new TrainingLoop(network, toy.Data, options, TimeProvider.System).Run(_ => allocated.Add(GC.GetAllocatedBytesForCurrentThread()), CancellationToken.None);

        var between = allocated.Zip(allocated.Skip(1), (first, second) => second - first).Order().ToList();
        between.Count.ShouldBeGreaterThan(30);
        // What is left are the ends of epochs, and code that had to be compiled.
        between[between.Count / 2].ShouldBe(0);
    }

    private static (PimmNetwork Network, NetworkOptimizer Optimizer) Made(EmbeddingUpdates updates, PimmOptions options)
    {
        manual_seed(3);
        var network = new PimmNetwork(new([3, 4], 2), options);
        return (network, new NetworkOptimizer(network, 1e-3, updates));
    }
}
