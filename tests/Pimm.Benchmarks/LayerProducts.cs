using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Benchmarks;

/// <summary>
/// The matrix products of a training step and nothing else: forward, gradient of the input and gradient of the weight of every layer,
/// at the model's own widths. What they reach alone is what a step could reach if everything else were free.
/// </summary>
internal sealed class LayerProducts(TrainShape shape, int rows)
{
    private const int Rounds = 20;

    /// <summary>Of a training step, two for each multiply-add.</summary>
    public double FlopsOfSample => shape.Products().Sum(product => 3.0 * 2 * product.Copies * product.Inner * product.Columns);

    public double Gigaflops()
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var layers = shape.Products().Select(product => (product.Copies, In: rand(rows, product.Inner), Weight: rand(product.Inner, product.Columns), Out: rand(rows, product.Columns))).ToList();
        Round();
        var started = Stopwatch.GetTimestamp();
        for (var round = 0; round < Rounds; round++)
        {
            Round();
        }

        return Rounds * rows * FlopsOfSample / Stopwatch.GetElapsedTime(started).TotalSeconds / 1e9;

        void Round()
        {
            using var inner = NewDisposeScope();
            foreach (var (copies, input, weight, output) in layers)
            {
                for (var copy = 0; copy < copies; copy++)
                {
                    matmul(input, weight);
                    matmul(output, weight.t());
                    matmul(input.t(), output);
                }
            }
        }
    }
}
