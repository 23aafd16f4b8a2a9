using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// A network over one funnel: ids [B, F] int64 and, while training, the <see cref="Premise"/> → outputs [B, T], or [B, T + 1] where
/// it predicts an amount too. What the outputs are is read in one place: <see cref="StageLogits"/> gives the logits of
/// ŷ_t = P(stage t is reached, and with it every stage before) over all impressions, <see cref="AmountOf"/> the amount.
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

    /// <summary>Whether its training steps on the CPU come to the same bits with any number of threads; not where matrix products are
    /// cut up among them.</summary>
    public virtual bool AnyThreads => false;

    /// <summary>The curriculum its premises follow while training; null for a network without premises.</summary>
    public virtual PremiseCurriculum? Curriculum => null;

    /// <summary>Whether the first T outputs are logits z_t of P(stage t | stage t − 1), so that ŷ_t = Π_{j≤t} sigmoid(z_j), rather
    /// than logits of ŷ_t.</summary>
    public virtual bool Conditional => false;

    /// <summary>Whether output T is the amount, on the scale it is trained on.</summary>
    public virtual bool PredictsAmount => false;

    /// <summary>θ_s, the parameters that <see cref="NetworkObjective.Adjustment"/> merges the tasks' gradients for.</summary>
    public virtual IReadOnlyList<Parameter> Shared => [];

    /// <summary>The embedding tables, which <see cref="NetworkObjective.L2"/> applies to.</summary>
    public abstract IReadOnlyList<Parameter> Regularised { get; }

    /// <summary>The attention matrices, which <see cref="NetworkObjective.AttentionL2"/> applies to; none by default.</summary>
    public virtual IReadOnlyList<Parameter> Attention => [];

    /// <summary>How many numbers are learned.</summary>
    public long ParameterCount => parameters().Sum(parameter => parameter.shape.Aggregate(1L, (product, size) => product * size));

    /// <summary>
    /// The outputs one by one, [B, 1] each; side by side they are what the network gives. For losses whose gradients are wanted
    /// apart: where a network makes its outputs one by one, it says so here, and a loss of one does not run through the others.
    /// </summary>
    public virtual IReadOnlyList<Tensor> Columns(Tensor ids, Premise? premise)
    {
        var outputs = call(ids, premise);
        return [.. Enumerable.Range(0, (int)outputs.shape[1]).Select(column => outputs.narrow(1, column, 1))];
    }

    /// <summary>
    /// Adds the gradients of <see cref="StageLoss.CrossEntropy"/> to the parameters', and the loss to a sum, all in one native function,
    /// where the network has one: beside it nothing happens on the managed side.
    /// </summary>
    /// <param name="labels">[B, T] of 0 and 1</param>
    /// <param name="weights">[T] task weights; null for 1 each</param>
    /// <param name="losses">the sum, one number</param>
    /// <returns>false where it has none, and nothing was done</returns>
    internal virtual bool LearnsAtOnce(Tensor ids, Premise? premise, Tensor labels, Tensor? weights, Tensor losses) => false;

    /// <param name="outputs">[B, T], or [B, T + 1] with an amount</param>
    /// <returns>[B, T]: the outputs of the stages as they are, without the amount's</returns>
    public Tensor StageOutputs(Tensor outputs) => PredictsAmount ? outputs.narrow(1, 0, Shape.Tasks) : outputs;

    /// <param name="outputs">[B, T], or [B, T + 1] with an amount</param>
    /// <returns>[B, T]: the logits of ŷ_t over all impressions</returns>
    public Tensor StageLogits(Tensor outputs) =>
        Conditional ? StageChain.Logits(StageOutputs(outputs)) : StageOutputs(outputs);

    /// <param name="outputs">[B, T + 1]</param>
    /// <returns>[B]: the amount on the scale it is trained on</returns>
    public Tensor AmountOf(Tensor outputs) => outputs.select(1, Shape.Tasks);
}
