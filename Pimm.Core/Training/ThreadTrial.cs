using Pimm.Core.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>
/// How many threads compute where nobody said: those with which the network's own matrix products, forward and backward, are fastest on
/// this machine now. All cores, unless fewer are clearly faster: threads that share a core, or wait for others' work, slow each other down.
/// </summary>
public sealed class ThreadTrial(TimeProvider clock)
{
    /// <summary>Training rows below which all cores are taken untried: such a training is over before the choice would matter.</summary>
    public const int LeastRows = 100_000;

    /// <summary>Rows of a batch below which one thread computes, untried: the fused layers take fewer rows as one part, and other threads
    /// would wait beside it for most of a step.</summary>
    public const int LeastBatch = 512;

    // Fewer threads must save so much of the time; what is less is chance.
    private const double Saving = 0.1;
    private static readonly TimeSpan Long = TimeSpan.FromMilliseconds(10);
    private const int Tries = 3;

    /// <returns>the threads, now in force, and the sentence that says so; null where one core leaves no choice</returns>
    public (int Threads, string? Note) Choose(MultiTaskNetwork network, int batch)
    {
        var cores = Environment.ProcessorCount;
        if (cores == 1)
        {
            return (1, null);
        }

        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var products = Products(network, batch);
        List<(int Threads, double Seconds)> tried = [];
        for (var threads = cores; threads >= 1; threads /= 2)
        {
            set_num_threads(threads);
            tried.Add((threads, Enumerable.Range(0, Tries).Min(_ => SecondsOf(products))));
        }

        var best = tried.MinBy(one => one.Seconds);
        best = best.Seconds < tried[0].Seconds * (1 - Saving) ? best : tried[0];
        set_num_threads(best.Threads);
        var times = string.Join(", ", tried.Select(one => FormattableString.Invariant($"{one.Threads}: {1000 * one.Seconds:0.00} ms")));
        return (best.Threads, FormattableString.Invariant($"Computes with {best.Threads} of {cores} cores: the matrix products of a step took, by threads, {times}. The option for threads decides otherwise."));
    }

    private static List<(Tensor In, Tensor Weight, Tensor Out)> Products(MultiTaskNetwork network, int batch)
    {
        var tables = network.modules().OfType<EmbeddingTable>().Select(embedding => embedding.Weight).ToList();
        return [.. network.parameters().Where(parameter => parameter.ndim >= 2 && !tables.Exists(table => ReferenceEquals(table, parameter))).SelectMany(Of)];

        IEnumerable<(Tensor, Tensor, Tensor)> Of(Parameter parameter)
        {
            var shape = parameter.shape;
            var (rows, columns) = (shape[^2], shape[^1]);
            // No random numbers: the seed's belong to the training.
            return Enumerable.Repeat((full(batch, rows, 0.5), full(rows, columns, 0.5), full(batch, columns, 0.5)), (int)(parameter.numel() / (rows * columns)));
        }
    }

    private double SecondsOf(List<(Tensor In, Tensor Weight, Tensor Out)> products)
    {
        Round();
        var (rounds, started) = (0, clock.GetTimestamp());
        do
        {
            Round();
            rounds++;
        }
        while (clock.GetElapsedTime(started) < Long);
        return clock.GetElapsedTime(started).TotalSeconds / rounds;

        void Round()
        {
            using var round = NewDisposeScope();
            foreach (var (input, weight, output) in products)
            {
                matmul(input, weight);
                matmul(output, weight.t());
                matmul(input.t(), output);
            }
        }
    }
}
