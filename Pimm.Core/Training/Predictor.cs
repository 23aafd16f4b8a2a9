using Pimm.Core.Networks;
using TorchSharp;

namespace Pimm.Core.Training;

/// <summary>
/// A trained model that answers: ids in, probabilities out. Deterministic: the same ids give the same numbers in any batch of the
/// same size. One caller at a time. PIMM answers from native code (<see cref="NativeForward"/>), prepared at the first question.
/// </summary>
public sealed class Predictor : IDisposable
{
    private readonly MultiTaskNetwork network;
    private readonly torch.Device device;
    private readonly Lazy<NativeForward?> forward;

    /// <param name="threads">Threads that compute; null leaves Torch's number as it is.</param>
    /// <exception cref="InputException">Weights and description do not belong together, or the model is of an unknown kind.</exception>
    public Predictor(TrainedModel model, int? threads = null, string device = "cpu")
    {
        Model = model;
        this.device = torch.device(device);
        if (threads is { } number)
        {
            torch.set_num_threads(number);
        }

        var description = model.Description;
        var shape = new NetworkShape(description.VocabularySizes, description.Tasks.Count, description.Amount is not null);
        (network, _) = NetworkCatalog.Create(description.Model, shape, description.Settings);
        WeightsFile.Read(model.Weights, network);
        network.to(this.device);
        network.eval();
        forward = new(() => NativeForward.Of(network, this.device));
    }

    public TrainedModel Model { get; }

    /// <summary>T, in funnel order <see cref="ModelDescription.Tasks"/>.</summary>
    public int Tasks => network.Shape.Tasks;

    /// <summary>Whether it predicts an amount beside the probabilities.</summary>
    public bool PredictsAmount => network.PredictsAmount;

    /// <summary>F, in the feature map's order.</summary>
    public int Fields => network.Shape.Fields;

    /// <exception cref="InputException">The folder holds no trained model.</exception>
    public static Predictor Load(string folder, int? threads = null) => new(TrainedModel.Load(folder), threads);

    /// <param name="ids">[B, F], row by row, from the model's feature map.</param>
    /// <returns>[B, T], row by row: P(stage t is reached) over all impressions.</returns>
    /// <exception cref="InputException">An id is outside its field's vocabulary, or there is no whole number of rows.</exception>
    public float[] Predict(ReadOnlySpan<int> ids)
    {
        var probabilities = new float[ids.Length / Fields * Tasks];
        Predict(ids, probabilities);
        return probabilities;
    }

    /// <summary>As <see cref="Predict(ReadOnlySpan{int})"/>, into memory of the caller's: [B, T].</summary>
    public void Predict(ReadOnlySpan<int> ids, Span<float> probabilities) => Predict(ids, probabilities, default);

    /// <summary>As <see cref="Predict(ReadOnlySpan{int})"/>, and the amounts, in the amount's own unit, into memory of the caller's.</summary>
    /// <param name="probabilities">[B, T]</param>
    /// <param name="amounts">[B]; empty where they are not wanted</param>
    /// <exception cref="InputException">As above, or the model predicts no amount.</exception>
    public void Predict(ReadOnlySpan<int> ids, Span<float> probabilities, Span<float> amounts)
    {
        var rows = ids.Length / Fields;
        if (!amounts.IsEmpty && (!PredictsAmount || amounts.Length != rows))
        {
            throw new InputException($"Room for {amounts.Length} amounts of {rows} rows was given; the model {(PredictsAmount ? "gives one a row" : "predicts no amount")}.");
        }

        if (ids.Length % Fields != 0 || probabilities.Length != rows * Tasks)
        {
            throw new InputException($"{ids.Length} ids and room for {probabilities.Length} probabilities were given; the model takes {Fields} ids a row and gives {Tasks} probabilities.");
        }

        if (forward.Value is { } native)
        {
            if (native.Run(ids, rows, probabilities) is var wrong and >= 0)
            {
                throw Unknown(ids, (int)wrong);
            }

            return;
        }

        RefuseUnknown(ids);
        PredictByNetwork(ids, probabilities, amounts);
    }

    private void PredictByNetwork(ReadOnlySpan<int> ids, Span<float> probabilities, Span<float> amounts)
    {
        var rows = ids.Length / Fields;
        var wide = new long[Math.Min(rows, ModelEvaluation.RowsAtOnce) * Fields];
        for (var start = 0; start < rows; start += ModelEvaluation.RowsAtOnce)
        {
            var count = Math.Min(ModelEvaluation.RowsAtOnce, rows - start);
            wide = wide.Length == count * Fields ? wide : new long[count * Fields];
            SnapshotBatches.Widen(ids.Slice(start * Fields, count * Fields), wide);
            var ofRows = amounts.IsEmpty ? default : amounts.Slice(start, count);
            ModelEvaluation.Compute(network, device, wide, count, probabilities.Slice(start * Tasks, count * Tasks), ofRows);
            ReadBack(ofRows);
        }
    }

    private void ReadBack(Span<float> amounts)
    {
        foreach (ref var amount in amounts)
        {
            amount = (float)Model.Description.Amount!.ToAmount(amount);
        }
    }

    // The merged table would read another field's row for a larger id, so it is refused here.
    private void RefuseUnknown(ReadOnlySpan<int> ids)
    {
        var sizes = network.Shape.VocabularySizes;
        for (var at = 0; at < ids.Length; at++)
        {
            if ((uint)ids[at] >= (uint)sizes[at % sizes.Count])
            {
                throw Unknown(ids, at);
            }
        }
    }

    private InputException Unknown(ReadOnlySpan<int> ids, int at) =>
        new($"Row {at / Fields} has the id {ids[at]} in field {at % Fields}; it must be 0 to {network.Shape.VocabularySizes[at % Fields] - 1}: encode with the model's own feature map.");

    public void Dispose()
    {
        if (forward.IsValueCreated)
        {
            forward.Value?.Dispose();
        }

        network.Dispose();
    }
}
