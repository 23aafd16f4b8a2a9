using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// A network over one funnel: ids [B, F] int64 and, while training, the <see cref="Premise"/> → logits [B, T];
/// ŷ_t = sigmoid(logit_t) = P(stage t is reached, and with it every stage before), over all impressions.
/// A network holds no loss and no optimiser; it says what it is to be trained for (<see cref="Objective"/>).
/// </summary>
public abstract class MultiTaskNetwork : Module<Tensor, Premise?, Tensor>
{
    protected MultiTaskNetwork(string kind, NetworkShape shape, NetworkObjective objective) : base(kind)
    {
        if (objective.TaskWeights.Count != 0 && objective.TaskWeights.Count != shape.Tasks)
        {
            throw new InputException($"{objective.TaskWeights.Count} task weights were given for {shape.Tasks} tasks; give one a task, or none.");
        }

        Kind = kind;
        Shape = shape;
        Objective = objective;
    }

    /// <summary>Its name in <see cref="NetworkCatalog"/>.</summary>
    public string Kind { get; }

    public NetworkShape Shape { get; }

    public NetworkObjective Objective { get; }

    /// <summary>The curriculum its premises follow while training; null for a network without premises.</summary>
    public virtual PremiseCurriculum? Curriculum => null;

    /// <summary>The parameters that <see cref="NetworkObjective.L2"/> applies to.</summary>
    public abstract IReadOnlyList<Parameter> Regularised { get; }

    /// <summary>How many numbers are learned.</summary>
    public long ParameterCount => parameters().Sum(parameter => parameter.shape.Aggregate(1L, (product, size) => product * size));
}
