using Pimm.Core.Datasets;

namespace Pimm.Core.Training;

/// <summary>Rows of a snapshot in any order, gathered into arrays that are used again for every batch of the same size.</summary>
public sealed class SnapshotBatches(Snapshot data)
{
    // Rows come from anywhere in a large file: so many are asked for before they are needed.
    private const int Ahead = 16;
    private readonly int fields = data.VocabularySizes.Count;
    private readonly int tasks = data.TaskNames.Count;

    /// <summary>[B, F], row by row.</summary>
    public long[] Ids { get; private set; } = [];

    /// <summary>[B, T], row by row, 0 or 1.</summary>
    public float[] Labels { get; private set; } = [];

    /// <summary>[B], as in the snapshot; empty where it has none.</summary>
    public float[] Amounts { get; private set; } = [];

    public void Gather(ReadOnlySpan<int> rows)
    {
        if (Labels.Length != rows.Length * tasks)
        {
            Ids = new long[rows.Length * fields];
            Labels = new float[rows.Length * tasks];
            Amounts = new float[data.HasAmounts ? rows.Length : 0];
        }

        for (var at = 0; at < rows.Length; at++)
        {
            if (at + Ahead < rows.Length)
            {
                data.Fetch(rows[at + Ahead]);
            }

            Widen(data.Ids(rows[at], 1), Ids.AsSpan(at * fields, fields));
            var labels = data.Labels(rows[at], 1);
            for (var task = 0; task < tasks; task++)
            {
                Labels[at * tasks + task] = labels[task];
            }

            if (data.HasAmounts)
            {
                Amounts[at] = data.Amounts(rows[at], 1)[0];
            }
        }
    }

    internal static void Widen(ReadOnlySpan<int> from, Span<long> to)
    {
        for (var at = 0; at < from.Length; at++)
        {
            to[at] = from[at];
        }
    }
}
