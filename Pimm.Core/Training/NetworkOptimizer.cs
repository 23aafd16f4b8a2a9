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
    private DeviceAdam? onDevice;

    /// <exception cref="InputException">Rows are to be updated lazily where the network or the device does not allow it.</exception>
    public NetworkOptimizer(MultiTaskNetwork network, double learningRate, EmbeddingUpdates updates = EmbeddingUpdates.Dense)
    {
        this.learningRate = learningRate;
        if (updates == EmbeddingUpdates.Lazy)
        {
            UpdateLazily(network, learningRate);
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
            onDevice?.Keep();
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

            onDevice?.Resume();
        }
    }

    /// <summary>What Adam remembers of each parameter, under names of their own.</summary>
    public IEnumerable<(string Name, torch.Tensor Tensor)> Tensors =>
    [
        .. States.SelectMany((state, at) => new[] { ($"adam/{at}/exp_avg", state.exp_avg), ($"adam/{at}/exp_avg_sq", state.exp_avg_sq) }),
        .. tables.SelectMany((table, at) => new[] { ($"rows/{at}/exp_avg", table.First), ($"rows/{at}/exp_avg_sq", table.Second), ($"rows/{at}/touched", table.Touched) }),
    ];

    /// <summary>The embedding tables whose rows wait for their steps.</summary>
    internal IReadOnlyList<RowAdam> Tables => tables;

    private IEnumerable<Adam.State> States => parts.SelectMany(part => part.state_dict().State).Cast<Adam.State>();

    public void ZeroGradients() => parts.ForEach(part => part.zero_grad());

    /// <summary>From now on the dense steps leave nothing on the host, so that they can be recorded (<see cref="DeviceAdam"/>).</summary>
    internal void StepOnDevice(torch.Device device) => onDevice = new DeviceAdam(parts.Zip(decays), learningRate, device);

    public void Step()
    {
        if (onDevice is { } recorded)
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
        onDevice?.Dispose();
        parts.ForEach(part => part.Dispose());
    }

    private static bool IsIn(IEnumerable<IReadOnlyList<Parameter>> lists, Parameter parameter) =>
        lists.SelectMany(list => list).Any(other => ReferenceEquals(other, parameter));

    private void UpdateLazily(MultiTaskNetwork network, double learningRate)
    {
        embeddings.AddRange(network.modules().OfType<EmbeddingTable>());
        if (embeddings.Any(embedding => embedding.Weight.device_type != DeviceType.CPU))
        {
            throw new InputException("The setting embeddingUpdates=lazy cannot be used on a device; train on the cpu, or leave it dense.");
        }

        if (network.Objective.Adjustment is not null && network.Shared.Any(shared => embeddings.Any(embedding => ReferenceEquals(embedding.Weight, shared))))
        {
            throw new InputException($"The setting embeddingUpdates=lazy cannot be used with the model '{network.Kind}', which merges the tasks' gradients of its whole embedding table; leave it dense.");
        }

        foreach (var embedding in embeddings)
        {
            var table = new RowAdam(embedding.Weight, learningRate, IsIn([network.Regularised], embedding.Weight) ? network.Objective.L2 : 0);
            tables.Add(table);
            embedding.Rows = table.LookUp;
        }
    }
}
