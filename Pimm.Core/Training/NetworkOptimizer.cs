using Pimm.Core.Networks;
using TorchSharp;
using TorchSharp.Modules;

namespace Pimm.Core.Training;

/// <summary>
/// Adam over a network's parameters. L2 (λ/2 · Σ w², AITM's) touches the parameters the network names; it enters as Adam's weight
/// decay λ, which adds λ w to the gradient and so is the same thing.
/// </summary>
public sealed class NetworkOptimizer : IDisposable
{
    private readonly List<Adam> parts = [];
    private readonly List<RowAdam> tables = [];
    private readonly List<EmbeddingTable> embeddings = [];
    private readonly List<double> decays = [];
    private readonly double learningRate;
    private DeviceAdam? device;

    /// <param name="onDevice">steps are to be taken by <see cref="StepOnDevice"/>, those of the tables too</param>
    /// <exception cref="InputException">Rows are to be updated lazily where the network or the device does not allow it.</exception>
    public NetworkOptimizer(MultiTaskNetwork network, double learningRate, EmbeddingUpdates updates = EmbeddingUpdates.Dense, bool onDevice = false)
    {
        this.learningRate = learningRate;
        var wait = updates == EmbeddingUpdates.Lazy;
        if (wait)
        {
            MustAllowWaiting(network);
        }

        if (!onDevice && !Merges(network))
        {
            TakeTables(network, learningRate, wait);
        }

        IReadOnlyList<Parameter>[] apart = [network.Regularised, network.Attention, [.. tables.Select(table => table.Table)]];
        Add(network.parameters().Where(parameter => !IsIn(apart, parameter)), 0);
        Add(network.Regularised.Where(parameter => !IsIn([apart[2]], parameter)), network.Objective.L2);
        Add(network.Attention, network.Objective.AttentionL2);

        void Add(IEnumerable<Parameter> parameters, double decay)
        {
            if (parameters.ToArray() is { Length: > 0 } part)
            {
                parts.Add(torch.optim.Adam(part, learningRate, weight_decay: decay));
                decays.Add(decay);
            }
        }
    }

    /// <summary>How many steps each parameter has taken, in an order that the network decides.</summary>
    public IReadOnlyList<long> Steps
    {
        get
        {
            device?.Keep();
            return [.. States.Select(state => state.step), .. tables.Select(table => table.Steps)];
        }

        set
        {
            foreach (var (state, steps) in States.Zip(value))
            {
                state.step = steps;
            }

            foreach (var (table, steps) in tables.Zip(value.Skip(value.Count - tables.Count)))
            {
                table.Steps = steps;
            }

            device?.Resume();
        }
    }

    /// <summary>What Adam remembers of each parameter, under names of their own.</summary>
    public IEnumerable<(string Name, torch.Tensor Tensor)> Tensors =>
    [
        .. States.SelectMany((state, at) => new[] { ($"adam/{at}/exp_avg", state.exp_avg), ($"adam/{at}/exp_avg_sq", state.exp_avg_sq) }),
        .. tables.SelectMany((table, at) => new[] { ($"rows/{at}/exp_avg", table.First), ($"rows/{at}/exp_avg_sq", table.Second) }),
        .. tables.SelectMany((table, at) => table.Touched is { } touched ? new[] { ($"rows/{at}/touched", touched) } : []),
    ];

    /// <summary>The embedding tables that take steps of their own, which keep the running mean too.</summary>
    internal IReadOnlyList<RowAdam> Tables => tables;

    private IEnumerable<Adam.State> States => parts.SelectMany(part => part.state_dict().State).Cast<Adam.State>();

    public void ZeroGradients()
    {
        parts.ForEach(part => part.zero_grad());
        tables.ForEach(table => table.ZeroGradient());
    }

    /// <summary>From now on the dense steps leave nothing on the host, so that they can be recorded (<see cref="DeviceAdam"/>).</summary>
    internal void StepOnDevice(torch.Device device) => this.device = new DeviceAdam(parts.Zip(decays), learningRate, device);

    public void Step()
    {
        if (device is { } recorded)
        {
            recorded.Step();
            return;
        }

        parts.ForEach(part => part.step());
        tables.ForEach(table => table.Step());
    }

    /// <summary>Takes the steps that rows still wait for, so that the network can be judged or kept.</summary>
    public void CatchUp() => tables.ForEach(table => table.CatchUp());

    public void Dispose()
    {
        embeddings.ForEach(embedding => embedding.Rows = null);
        tables.ForEach(table => table.Dispose());
        device?.Dispose();
        parts.ForEach(part => part.Dispose());
    }

    private static bool IsIn(IEnumerable<IReadOnlyList<Parameter>> lists, Parameter parameter) =>
        lists.SelectMany(list => list).Any(other => ReferenceEquals(other, parameter));

    private static bool Merges(MultiTaskNetwork network) => network.Objective.Adjustment is not null
        && network.modules().OfType<EmbeddingTable>().Any(embedding => IsIn([network.Shared], embedding.Weight));

    private static void MustAllowWaiting(MultiTaskNetwork network)
    {
        if (network.modules().OfType<EmbeddingTable>().Any(embedding => embedding.Weight.device_type != DeviceType.CPU))
        {
            throw new InputException("The setting embeddingUpdates=lazy cannot be used on a device; train on the cpu, or leave it dense.");
        }

        if (Merges(network))
        {
            throw new InputException($"The setting embeddingUpdates=lazy cannot be used with the model '{network.Kind}', which merges the tasks' gradients of its whole embedding table; leave it dense.");
        }
    }

    private void TakeTables(MultiTaskNetwork network, double learningRate, bool wait)
    {
        foreach (var embedding in network.modules().OfType<EmbeddingTable>().Where(embedding => wait || RowAdam.Takes(embedding.Weight)))
        {
            var table = new RowAdam(embedding.Weight, learningRate, IsIn([network.Regularised], embedding.Weight) ? network.Objective.L2 : 0, wait);
            tables.Add(table);
            embeddings.Add(embedding);
            embedding.Rows = table;
        }
    }
}
