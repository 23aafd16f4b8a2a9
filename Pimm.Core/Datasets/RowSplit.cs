using System.Globalization;
using Pimm.Core.Statistics;

namespace Pimm.Core.Datasets;

/// <summary>Which row trains, validates or tests.</summary>
internal static class RowSplit
{
    /// <summary>
    /// By time: rows older than the time at the training share's place train, rows of that very time and younger ones
    /// test. Else each row is drawn by (seed, its number in the file). Validation rows are drawn so out of the training part.
    /// </summary>
    /// <exception cref="InputException">a part without rows</exception>
    public static Split[] Of(RowLabels rows, DatasetOptions options, string source)
    {
        var splits = new Split[rows.Rows];
        var parts = RandomStream.Seed(options.Seed, "split", 0);
        var validation = RandomStream.Seed(options.Seed, "validation", 0);
        var cut = options.Time is null ? 0 : CutTime(rows.Times, options.TrainingShare);
        for (var row = 0; row < splits.Length; row++)
        {
            var fileRow = rows.FileRows[row];
            var trains = options.Time is null ? Draw(parts, fileRow) < options.TrainingShare : rows.Times[row] < cut;
            splits[row] = !trains ? Split.Test
                : Draw(validation, fileRow) < options.ValidationShare ? Split.Validation
                : Split.Train;
        }

        RequireRows(splits, options, source);
        return splits;
    }

    private static double Draw(ulong seed, long row) => (RandomStream.Seed(seed, row) >> 11) * (1.0 / (1UL << 53));

    private static long CutTime(ReadOnlySpan<long> times, double share)
    {
        var sorted = times.ToArray();
        Array.Sort(sorted);
        return sorted[(int)(share * sorted.Length)];
    }

    private static void RequireRows(ReadOnlySpan<Split> splits, DatasetOptions options, string source)
    {
        foreach (var split in Enum.GetValues<Split>())
        {
            if (!splits.Contains(split))
            {
                throw new InputException(string.Create(CultureInfo.InvariantCulture,
                    $"{source}: of {splits.Length:N0} rows none falls into the {split.ToString().ToLowerInvariant()} part; {(options.Time is null ? "give more rows" : $"give more rows or a --time column with more different values than '{options.Time}'")}."));
            }
        }
    }
}
