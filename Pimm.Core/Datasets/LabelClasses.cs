using System.Globalization;

namespace Pimm.Core.Datasets;

/// <summary>A task needs both classes where it is learned, and should have them where it is measured.</summary>
internal static class LabelClasses
{
    /// <returns>a note for each task with one class in the validation or the test part</returns>
    /// <exception cref="InputException">a task with one class in all rows or in the training part</exception>
    public static IEnumerable<string> Check(RowLabels rows, ReadOnlySpan<Split> splits, IReadOnlyList<string> tasks, string source)
    {
        var notes = new List<string>();
        for (var task = 0; task < tasks.Count; task++)
        {
            var counts = Count(rows, splits, task);
            var (all, positives) = (rows.Rows, counts.Sum(part => part.Positives));
            if (positives == 0 || positives == all)
            {
                throw OneClass(source, tasks[task], positives, all, "rows");
            }

            // A calibrator that finds one class is not fitted, and says so itself.
            foreach (var split in (ReadOnlySpan<Split>)[Split.Train, Split.Validation, Split.Test])
            {
                var (size, ones) = counts[(int)split];
                if (ones > 0 && ones < size)
                {
                    continue;
                }

                if (split == Split.Train)
                {
                    throw OneClass(source, tasks[task], ones, size, "training rows");
                }

                notes.Add(string.Create(CultureInfo.InvariantCulture,
                    $"Task '{tasks[task]}' is {(ones == 0 ? 0 : 1)} in all {size:N0} {split.ToString().ToLowerInvariant()} rows, so it has no AUC there."));
            }
        }

        return notes;
    }

    private static (long Rows, long Positives)[] Count(RowLabels rows, ReadOnlySpan<Split> splits, int task)
    {
        var counts = new (long Rows, long Positives)[Enum.GetValues<Split>().Length];
        for (var row = 0; row < splits.Length; row++)
        {
            ref var part = ref counts[(int)splits[row]];
            part = (part.Rows + 1, part.Positives + rows.LabelsOf(row)[task]);
        }

        return counts;
    }

    private static InputException OneClass(string source, string task, long positives, long rows, string which) =>
        new(string.Create(CultureInfo.InvariantCulture,
            $"{source}: task '{task}' is {(positives == 0 ? 0 : 1)} in all {rows:N0} {which}; a task needs both 0 and 1, so leave it out of --tasks or add rows."));
}
