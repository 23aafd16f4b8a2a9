using System.Runtime.InteropServices;
using System.Text;
using Pimm.Core.Training;

namespace Pimm.Core.Comparing;

/// <summary>What a cell came to: <c>KEY.json</c> (the model's description) and, but for a sweep, its predictions in <c>KEY.f32</c>.</summary>
/// <param name="Place">path without ending</param>
public sealed record CellResult(string Place, ModelDescription Model)
{
    /// <returns>null where the cell has not been trained yet</returns>
    public static CellResult? Find(string folder, TrainingCell cell)
    {
        var place = Path.Combine(folder, cell.Key());
        return File.Exists(place + ".json") ? new CellResult(place, ModelDescription.FromJson(File.ReadAllText(place + ".json"))) : null;
    }

    /// <summary>The kept epoch's validation loss, summed over tasks, and the amount's error where one is predicted.</summary>
    public double ValidationLoss => Model.Epochs[Model.BestEpoch - 1] is var kept ? kept.ValidationLogLoss + (kept.ValidationAmountError ?? 0) : 0;

    /// <summary>[test rows, T], row by row, in the snapshot's order.</summary>
    public float[] Predictions() => MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Place + ".f32")).ToArray();

    internal void WritePredictions(float[] predictions) =>
        Complete(".f32", MemoryMarshal.AsBytes(predictions.AsSpan()).ToArray());

    internal void Write() => Complete(".json", Encoding.UTF8.GetBytes(Model.ToJson() + "\n"));

    private void Complete(string ending, byte[] content)
    {
        File.WriteAllBytes(Place + ending + ".part", content);
        File.Move(Place + ending + ".part", Place + ending, overwrite: true);
    }
}
