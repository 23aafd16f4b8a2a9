using System.Globalization;
using Pimm.Core.Datasets;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>All rows of a snapshot on a device, so that no batch has to be copied to it: ids int32, labels uint8, amounts on the training scale.</summary>
internal sealed class ResidentRows : IDisposable
{
    private const int RowsAtOnce = 1 << 18;

    // What remains is for the weights, their moments and means, and the batches' own tensors.
    private const double MostOfFree = 0.75;

    public ResidentRows(Snapshot data, AmountModel? amount, Device device)
    {
        var (fields, tasks) = (data.VocabularySizes.Count, data.TaskNames.Count);
        using var quiet = no_grad();
        Ids = empty([data.Rows, fields], ScalarType.Int32, device).DetachFromDisposeScope();
        Labels = empty([data.Rows, tasks], ScalarType.Byte, device).DetachFromDisposeScope();
        Amounts = amount is null ? null : empty([data.Rows], ScalarType.Float32, device).DetachFromDisposeScope();
        for (var start = 0L; start < data.Rows; start += RowsAtOnce)
        {
            using var scope = NewDisposeScope();
            var count = (int)Math.Min(RowsAtOnce, data.Rows - start);
            Ids.narrow(0, start, count).copy_(tensor(data.Ids(start, count).ToArray(), [count, fields]));
            Labels.narrow(0, start, count).copy_(tensor(data.Labels(start, count).ToArray(), [count, tasks]));
            Amounts?.narrow(0, start, count).copy_(tensor(Array.ConvertAll(data.Amounts(start, count).ToArray(), amount!.ToTraining)));
        }
    }

    /// <summary>[rows, F], int32.</summary>
    public Tensor Ids { get; }

    /// <summary>[rows, T], 0 or 1, uint8.</summary>
    public Tensor Labels { get; }

    /// <summary>[rows], float32; null where no amount is learned.</summary>
    public Tensor? Amounts { get; }

    /// <summary>Why the rows cannot lie on the device, in one sentence; null where they can, or where nobody knows.</summary>
    /// <param name="draws">uniform numbers kept for each row beside it</param>
    /// <param name="free">bytes free on the device; null where it does not say</param>
    public static string? Refusal(Snapshot data, bool amounts, int draws, long? free)
    {
        // Beside the columns: the order, the rows it is made of, and what shuffling them takes.
        var each = 4L * data.VocabularySizes.Count + data.TaskNames.Count + (amounts ? 4 : 0) + 4 * draws + 24;
        var wanted = data.Rows * each;
        return free is { } left && wanted > MostOfFree * left
            ? string.Create(CultureInfo.InvariantCulture, $"{data.Rows:N0} rows need {Mebibytes(wanted)} on the device, which has {Mebibytes(left)} free, a quarter of it for the network; every batch is copied to it instead, which is slower.")
            : null;
    }

    public void Dispose()
    {
        Ids.Dispose();
        Labels.Dispose();
        Amounts?.Dispose();
    }

    private static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(bytes / 1048576.0):N0} MiB");
}
