using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Networks;

/// <summary>ReLU and dropout in one, seen through a layer whose weights are the identity.</summary>
[Collection(TorchCollection.Name)]
public sealed class RectifierTests : IDisposable
{
    private const int Width = 64;
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Fact]
    public void A_share_is_dropped_everywhere_alike_and_the_rest_makes_up_for_it()
    {
        const double share = 0.3;
        const int rows = 20_000;
        var kept = (Layer(share).call(ones(rows, Width)).detach() > 0).to(ScalarType.Float64);

        Layer(share).call(ones(1, Width)).max().item<float>().ShouldBe(1 / 0.7f, 1e-4f);
        Math.Abs(kept.mean().item<double>() - 0.7).ShouldBeLessThan(5 * Math.Sqrt(share * 0.7 / (rows * Width)));
        // Neither a column nor a neighbour knows more than chance.
        (kept.mean([0, 1]) - 0.7).abs().max().item<double>().ShouldBeLessThan(5 * Math.Sqrt(share * 0.7 / rows));
        var centred = (kept - 0.7).reshape(-1);
        foreach (var distance in new[] { 1, 2, 3, 4, Width, 1024 })
        {
            var together = centred.narrow(0, 0, centred.numel() - distance) * centred.narrow(0, distance, centred.numel() - distance);
            Math.Abs(together.mean().item<double>()).ShouldBeLessThan(5 * share * 0.7 / Math.Sqrt(rows * Width), $"{distance} apart");
        }
    }

    [Fact]
    public void The_gradient_goes_where_the_value_went()
    {
        var input = randn([50, Width], generator: new Generator(1)).requires_grad_(true);

        var result = Layer(0.25).call(input).squeeze(0);
        result.sum().backward();

        var passed = (result.detach() > 0).to(float32) / 0.75;
        (input.grad! - passed).abs().max().item<float>().ShouldBeLessThan(1e-6f);
        (result.detach() - (input.detach() * passed)).abs().max().item<float>().ShouldBeLessThan(1e-6f);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_seed_decides_and_the_threads_do_not(int threads)
    {
        using var alone = new Threads(1);
        var expected = Drawn(7);
        var other = Drawn(8);
        using var more = new Threads(threads);

        Drawn(7).ShouldBe(expected);
        other.ShouldNotBe(expected);
    }

    [Fact]
    public void Evaluation_drops_nothing()
    {
        var layer = Layer(0.5);
        layer.eval();

        layer.call(ones(100, Width)).min().item<float>().ShouldBe(1);
    }

    private static float[] Drawn(long seed)
    {
        var layer = Layer(0.4);
        manual_seed(seed);
        return layer.call(ones(3_001, Width)).detach().data<float>().ToArray();
    }

    private static TowerBank Layer(double share)
    {
        var layer = new TowerBank(1, Width, [Width], [share]);
        using (no_grad())
        {
            var identity = new float[Width, Width];
            for (var at = 0; at < Width; at++)
            {
                identity[at, at] = 1;
            }

            layer.parameters().First().copy_(tensor(identity));
        }

        return layer;
    }

    private sealed class Threads : IDisposable
    {
        private readonly int before = get_num_threads();

        public Threads(int count) => set_num_threads(count);

        public void Dispose() => set_num_threads(before);
    }
}
