using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class AveragedWeightsTests : IDisposable
{
    private readonly SharedBottomNetwork network = new(new([2], 1), new() { Embedding = 1, Bottom = [], Towers = [], Dropout = [] });

    // Window 4: every step counts, the first alone, then halves, thirds and from the fourth on quarters.
    [Fact]
    public void Is_the_mean_of_all_steps_at_first_and_of_a_window_later()
    {
        using var averaged = new AveragedWeights(network, window: 4);
        double[] seen = [1, 2, 6, 7, 3];
        foreach (var value in seen)
        {
            Set(value);
            averaged.Step();
        }

        var mean = (1.0 + 2 + 6 + 7) / 4;
        averaged.Lend(Value).ShouldBe(mean + ((3 - mean) / 4), 1e-6);
    }

    [Fact]
    public void Lends_the_mean_and_gives_the_last_weights_back_even_after_a_failure()
    {
        using var averaged = new AveragedWeights(network, window: 4);
        Set(1);
        averaged.Step();
        Set(3);
        averaged.Step();

        Should.Throw<InvalidOperationException>(() => averaged.Lend<double>(() => throw new InvalidOperationException($"{Value()}"))).Message.ShouldBe("2");
        Value().ShouldBe(3);
    }

    [Fact]
    public void Forgets_what_was_before_a_restart()
    {
        using var averaged = new AveragedWeights(network, window: 1000);
        Set(100);
        averaged.Step();
        averaged.Restart();
        for (var step = 0; step < 4; step++)
        {
            Set(5);
            averaged.Step();
        }

        averaged.Lend(Value).ShouldBe(5);
    }

    public void Dispose() => network.Dispose();

    private void Set(double value)
    {
        using var quiet = no_grad();
        network.Regularised[0].fill_(value);
    }

    private double Value() => network.Regularised[0].data<float>()[0];
}
