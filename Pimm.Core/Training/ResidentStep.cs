using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using Pimm.Core.Statistics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>
/// A step on rows that lie on the device. An epoch's order and the numbers that decide its premises are drawn there when it begins,
/// each from a stream that follows from seed and epoch; place, share of the curriculum, Adam's step and the sum of losses are tensors
/// there, too. Within an epoch nothing is copied to the device and nothing is read, so the step can be recorded. The rows of a batch
/// that is not whole are learned from by the same step, called.
/// </summary>
internal sealed class ResidentStep : TrainingStep
{
    private readonly MultiTaskNetwork network;
    private readonly TrainingOptions options;
    private readonly ResidentRows data;
    private readonly NetworkLoss loss;
    private readonly Device device;
    private readonly StepGraph graph;
    private readonly int batch;
    private readonly Tensor rows;
    private readonly Tensor order;
    private readonly Tensor places;
    private readonly Tensor place;
    private readonly Tensor epoch;
    private readonly Tensor? draws;

    /// <param name="rows">disposed with the step</param>
    public ResidentStep(TrainingState state, ResidentRows rows, TrainingOptions options, int batch) : base(state)
    {
        (network, data, this.options, this.batch) = (state.Network, rows, options, batch);
        device = rows.Ids.device;
        loss = new NetworkLoss(network, device);
        state.Optimizer.StepOnDevice(device);
        using var quiet = no_grad();
        using var scope = NewDisposeScope();
        this.rows = Kept(tensor(state.Order).to(device));                               // [N], their numbers in the snapshot
        order = Kept(this.rows.clone());                                                // [N], the same shuffled
        places = Kept(arange(batch, ScalarType.Int64, device));                         // [B]
        place = Kept(zeros([], ScalarType.Int64, device));                              // of the next batch in the order
        epoch = Kept(zeros([], ScalarType.Float64, device));
        draws = DrawsOf(network) is > 0 and var each ? Kept(zeros([state.Order.Length, each], device: device)) : null;
        graph = options.CudaGraph ? new StepGraph(device, () => Step(batch)) : StepGraph.Called(() => Step(batch));
    }

    /// <summary>[N], rows of the snapshot in the order of the epoch under way.</summary>
    internal Tensor Order => order;

    /// <summary>[N, T − 1] or [N, 1], uniform: below the curriculum's probability a premise shows its label. In the order's places.</summary>
    internal Tensor? Draws => draws;

    /// <summary>Uniform numbers that a row needs in an epoch for its premises.</summary>
    public static int DrawsOf(MultiTaskNetwork network) => network.Curriculum is { } curriculum && network.Shape.Tasks > 1
        ? curriculum.Draw == PremiseDraw.PerPremise ? network.Shape.Tasks - 1 : 1
        : 0;

    public override void BeginEpoch()
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        using var stream = Stream("order on the device");
        order.copy_(rows.index_select(0, randperm(rows.shape[0], device: device, generator: stream)));
        Begin();
    }

    public override void Take(int count)
    {
        if (count == batch)
        {
            graph.Run();
        }
        else
        {
            Step(count);
        }

        State.Averaged?.Step();
    }

    public override void Resume()
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        order.copy_(tensor(State.Order));
        Begin();
    }

    public override void Keep()
    {
        using var scope = NewDisposeScope();
        order.cpu().data<int>().CopyTo(State.Order);
    }

    public override void Dispose()
    {
        graph.Dispose();
        loss.Dispose();
        data.Dispose();
        foreach (var tensor in new[] { rows, order, places, place, epoch, draws })
        {
            tensor?.Dispose();
        }
    }

    private void Begin()
    {
        place.fill_(State.Row);
        epoch.fill_(State.Epoch);
        using var stream = Stream("premises on the device");
        draws?.uniform_(0, 1, stream);
    }

    private Generator Stream(string purpose) => new(RandomStream.Seed(options.Seed, purpose, State.Epoch), device);

    // Nothing here may come from the host but what is the same in every step of the training: it may be recorded.
    private void Step(int count)
    {
        using var scope = NewDisposeScope();
        var taken = places.narrow(0, 0, count) + place;                                 // [B], places in the order
        var chosen = order.index_select(0, taken);                                      // [B], rows of the snapshot
        var ids = data.Ids.index_select(0, chosen).to(ScalarType.Int64);                // [B, F]
        var labels = data.Labels.index_select(0, chosen).to(ScalarType.Float32);        // [B, T]
        var premise = draws is null ? null : new Premise(labels, Shown(draws, taken));
        var amounts = data.Amounts?.index_select(0, chosen);

        State.Optimizer.ZeroGradients();
        var value = loss.Backward(ids, premise, labels, amounts);
        State.Optimizer.Step();
        State.AddLoss(value);
        using var quiet = no_grad();
        place.add_(count);
    }

    /// <returns>[B, T − 1] of 0 and 1</returns>
    private Tensor Shown(Tensor drawn, Tensor taken)
    {
        var curriculum = network.Curriculum!;
        var finished = curriculum.Clock == CurriculumClock.Epoch ? epoch : epoch + place.to(ScalarType.Float64) / (double)order.shape[0];
        var probability = (curriculum.Alpha - finished * curriculum.Step).clamp_min(curriculum.Floor).to(ScalarType.Float32);
        // One draw a batch is that of its first row.
        var numbers = drawn.index_select(0, curriculum.Draw == PremiseDraw.PerBatch ? place.view(1) : taken);
        return (numbers < probability).to(ScalarType.Float32).expand(taken.shape[0], network.Shape.Tasks - 1);
    }

    private static Tensor Kept(Tensor tensor) => tensor.DetachFromDisposeScope();
}
