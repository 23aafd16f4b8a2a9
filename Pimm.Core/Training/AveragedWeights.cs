using Pimm.Core.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>
/// A running mean of a network's weights over its last steps (Polyak and Juditsky 1992, exponentially weighted). A batch holds few
/// rows of a late stage, so the weights of one step are noisy; their mean is not, and is what is validated and kept.
/// </summary>
/// <param name="window">steps that the mean looks back over, above 0</param>
public sealed class AveragedWeights(MultiTaskNetwork network, double window) : IDisposable
{
    // A dense pass over all weights: seldom enough to cost little beside a step, often enough for a short window.
    private readonly int stepsBetween = (int)Math.Clamp(window / 8, 1, 4);
    private readonly Dictionary<string, Tensor> mean = [];
    private readonly List<(Tensor Kept, Tensor Weights)> own = [];
    private IReadOnlyList<RowAdam> lazy = [];
    private long steps;

    /// <summary>Steps since the mean began.</summary>
    public long Steps => steps;

    /// <summary>The mean by the parameters' names; empty before its first step.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => mean;

    /// <summary>Leaves the means of embedding tables to those who take the tables' steps.</summary>
    internal void LeaveTo(IReadOnlyList<RowAdam> tables)
    {
        lazy = tables;
        foreach (var table in lazy)
        {
            table.Average(window, stepsBetween);
        }
    }

    public void Step()
    {
        if (++steps % stepsBetween != 0)
        {
            return;
        }

        if (mean.Count == 0)
        {
            Begin();
            return;
        }

        // In the beginning the mean is over all steps so far.
        var share = Math.Min(1, stepsBetween / Math.Min(window, steps));
#if !TORCH_PACKAGE
        TorchSharp.Accelerated.RunningMean.TakeIn(own, share);
#else
        using var quiet = no_grad();
        foreach (var (kept, weights) in own)
        {
            kept.mul_(1 - share).add_(weights, share);
        }
#endif
    }

    /// <summary>Forgets the steps so far: what was learned before no longer counts.</summary>
    public void Restart()
    {
        Dispose();
        mean.Clear();
        own.Clear();
        Count(0);
    }

    /// <summary>As after so many steps; the mean, where there is one, is to be filled through <see cref="Tensors"/>.</summary>
    internal void Resume(long stepsBefore, bool hasMean)
    {
        Restart();
        Count(stepsBefore);
        if (hasMean)
        {
            Begin();
        }
    }

    /// <summary>Runs something with the mean in the network; afterwards the weights of the last step are back.</summary>
    public TResult Lend<TResult>(Func<TResult> use)
    {
        if (mean.Count == 0)
        {
            return use();
        }

        using var last = new KeptWeights(network);
        last.Keep();
        Put();
        try
        {
            return use();
        }
        finally
        {
            last.Restore();
        }
    }

    public void Dispose()
    {
        foreach (var table in lazy)
        {
            table.Mean = null;
        }

        foreach (var tensor in mean.Values)
        {
            tensor.Dispose();
        }
    }

    private RowAdam? LazyOf(Tensor weights) => lazy.FirstOrDefault(table => ReferenceEquals(table.Table, weights));

    private void Begin()
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        foreach (var (name, weights) in network.named_parameters())
        {
            Begin(name, weights);
        }
    }

    private void Begin(string name, Tensor weights)
    {
        mean.Add(name, Copy(weights));
        if (LazyOf(weights) is { } table)
        {
            table.Mean = mean[name];
        }
        else
        {
            own.Add((mean[name], weights));
        }
    }

    private void Count(long stepsSoFar)
    {
        steps = stepsSoFar;
        foreach (var table in lazy)
        {
            table.MeanStart = table.Steps - steps;
        }
    }

    private void Put()
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        foreach (var (name, weights) in network.named_parameters())
        {
            weights.copy_(mean[name]);
        }
    }

    private static Tensor Copy(Tensor weights)
    {
        var copy = weights.detach().clone();
        copy.DetachFromDisposeScope();
        return copy;
    }
}
