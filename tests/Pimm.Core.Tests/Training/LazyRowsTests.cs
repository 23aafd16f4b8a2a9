using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Training;

/// <summary>Rows of an embedding table that take their steps only when they are looked up, beside dense Adam's.</summary>
[Collection(TorchCollection.Name)]
public sealed class LazyRowsTests : IDisposable
{
    // One field. Rows 0 to 9 are in every batch; the rest are what a test makes of them.
    private const int Often = 10;
    private const int Rows = 40;
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Fact]
    public void Where_every_row_is_looked_up_at_every_step_they_are_dense_adam()
    {
        var (dense, lazy) = Trained(60, _ => [.. Enumerable.Range(0, Rows)]);

        Distance(dense, lazy).ShouldBeLessThan(2e-6f);
        Distance(dense, Weights(New(EmbeddingUpdates.Dense).Network)).ShouldBeGreaterThan(0.01f);
    }

    [Fact]
    public void Dense_steps_that_write_no_gradient_of_the_table_are_bit_for_bit_those_that_do()
    {
        var (network, optimizer) = New(EmbeddingUpdates.Dense);
        var (plain, unused) = New(EmbeddingUpdates.Dense);
        unused.Dispose();
        using var others = optim.Adam(plain.parameters().Where(parameter => !ReferenceEquals(parameter, plain.Regularised[0])), 1e-3);
        using var table = optim.Adam(plain.Regularised, 1e-3, weight_decay: plain.Objective.L2);
        for (var step = 0; step < 30; step++)
        {
            using var inner = NewDisposeScope();
            int[] rows = [.. Enumerable.Range(0, Rows).Where(row => row < Often || row % 7 == step % 7)];
            Step(network, optimizer, rows);
            others.zero_grad();
            table.zero_grad();
            Backward(plain, rows);
            others.step();
            table.step();
        }

        Weights(network).data<float>().ToArray().ShouldBe(Weights(plain).data<float>().ToArray());
    }

    [Fact]
    public void Rows_that_waited_up_to_30_steps_are_where_dense_adam_has_them()
    {
        // Row 10 + k is looked up every k + 1 steps.
        var (dense, lazy) = Trained(300, step => [.. Enumerable.Range(0, Often), .. Enumerable.Range(0, Rows - Often).Where(one => step % (one + 1) == 0).Select(one => Often + one)]);

        Distance(dense, lazy).ShouldBeLessThan(1e-5f);
    }

    [Fact]
    public void Rows_that_waited_for_hundreds_of_steps_are_near_to_where_dense_adam_has_them()
    {
        // Looked up a few times, then never again: what dense Adam's decay leaves of them.
        var (dense, lazy) = Trained(700, step => [.. Enumerable.Range(0, Often), .. step < 5 * Rows ? [Often + (step / 5 % (Rows - Often))] : Array.Empty<int>()]);

        Distance(dense, lazy).ShouldBeLessThan(0.01f);
        // One step of the learning rate.
        (dense - lazy).abs().mean().item<float>().ShouldBeLessThan(0.001f);
        dense.abs().max().item<float>().ShouldBeGreaterThan(0.05f);
    }

    [Fact]
    public void Rows_nobody_looks_up_stay_as_they_are_until_they_are_caught_up_with()
    {
        var (network, optimizer) = New(EmbeddingUpdates.Lazy);
        var before = Weights(network);
        for (var step = 0; step < 20; step++)
        {
            Step(network, optimizer, [.. Enumerable.Range(0, Often)]);
        }

        var after = Weights(network);
        Distance(before.narrow(0, 0, Often), after.narrow(0, 0, Often)).ShouldBeGreaterThan(0.005f);
        Distance(before.narrow(0, Often, Rows - Often), after.narrow(0, Often, Rows - Often)).ShouldBe(0);

        optimizer.CatchUp();
        Distance(before.narrow(0, Often, Rows - Often), Weights(network).narrow(0, Often, Rows - Often)).ShouldBeGreaterThan(0.005f);
    }

    [Fact]
    public void Any_number_of_threads_gives_the_same_bits()
    {
        var threads = get_num_threads();
        try
        {
            var results = new[] { 1, 3 }.Select(count =>
            {
                set_num_threads(count);
                return Trained(40, step => [.. Enumerable.Range(0, Rows).Where(row => row % 7 != step % 7)]).Lazy.data<float>().ToArray();
            }).ToArray();

            results[1].ShouldBe(results[0]);
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void A_training_comes_to_the_same_models_but_for_rounding()
    {
        using var toy = new ToyFunnel();
        var request = ToyFunnel.Request();
        var dense = toy.Train(request);
        var lazy = toy.Train(request with { Settings = new Dictionary<string, string>(request.Settings) { ["embeddingUpdates"] = "lazy" } });

        foreach (var (one, other) in dense.Description.Epochs.Zip(lazy.Description.Epochs))
        {
            other.ValidationLogLoss.ShouldBe(one.ValidationLogLoss, 0.005);
        }

        lazy.Weights.SequenceEqual(dense.Weights).ShouldBeFalse();
    }

    [Fact]
    public void A_network_that_merges_gradients_of_its_table_refuses()
    {
        using var toy = new ToyFunnel(600);
        var request = ToyFunnel.Request("htlnet");
        request = request with { Settings = new Dictionary<string, string>(request.Settings) { ["embeddingUpdates"] = "lazy" } };

        Should.Throw<InputException>(() => toy.Train(request)).Message.ShouldStartWith("The setting embeddingUpdates=lazy cannot be used with the model 'htlnet'");
    }

    private static (Tensor Dense, Tensor Lazy) Trained(int steps, Func<int, int[]> rowsOf)
    {
        var results = new[] { EmbeddingUpdates.Dense, EmbeddingUpdates.Lazy }.Select(updates =>
        {
            var (network, optimizer) = New(updates);
            for (var step = 0; step < steps; step++)
            {
                Step(network, optimizer, rowsOf(step));
            }

            optimizer.CatchUp();
            return Weights(network);
        }).ToArray();
        return (results[0], results[1]);
    }

    private static (MultiTaskNetwork Network, NetworkOptimizer Optimizer) New(EmbeddingUpdates updates)
    {
        manual_seed(3);
        var network = new SharedBottomNetwork(new([Rows], 1), new() { Embedding = 5, Bottom = [8], Towers = [], Dropout = [0] });
        return (network, new NetworkOptimizer(network, 1e-3, updates));
    }

    private static void Step(MultiTaskNetwork network, NetworkOptimizer optimizer, int[] rows)
    {
        using var step = NewDisposeScope();
        optimizer.ZeroGradients();
        Backward(network, rows);
        optimizer.Step();
    }

    private static void Backward(MultiTaskNetwork network, int[] rows)
    {
        using var loss = new NetworkLoss(network, CPU);
        var ids = tensor(rows.Concat(rows).Select(row => (long)row).ToArray(), [2 * rows.Length, 1]);
        var labels = tensor(rows.Concat(rows).Select((row, at) => (row + at) % 3 == 0 ? 1f : 0f).ToArray(), [2 * rows.Length, 1]);
        loss.Backward(ids, null, labels, null);
    }

    private static Tensor Weights(MultiTaskNetwork network) => network.Regularised[0].detach().clone();

    private static float Distance(Tensor one, Tensor other) => (one - other).abs().max().item<float>();
}
