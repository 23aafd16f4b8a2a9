using System.Globalization;
using Pimm.Core.Statistics;

namespace Pimm.Core.Datasets;

/// <summary>
/// Which row trains, validates, calibrates or tests. Every draw is stratified by exit stage (how many of a row's labels are
/// 1): within a stage, rows stand in an order that the seed and their numbers in the file decide, and the first of them are taken.
/// </summary>
internal sealed class RowSplit
{
    private readonly RowLabels _rows;
    private readonly Split[] _splits;
    private readonly ulong[] _draws;
    private readonly int[] _order;

    private RowSplit(RowLabels rows)
    {
        _rows = rows;
        _splits = new Split[rows.Rows];
        _draws = new ulong[rows.Rows];
        _order = new int[rows.Rows];
    }

    /// <summary>
    /// By time: rows older than the time at the training share's place train, rows of that very time and younger ones
    /// test. By a part column: as it says. Else the training share is drawn. The validation share is drawn out of the training
    /// part; half of it validates, the odd row included, and half calibrates.
    /// </summary>
    /// <exception cref="InputException">a part without rows; the calibration part may be empty</exception>
    public static Split[] Of(RowLabels rows, DatasetOptions options, string source)
    {
        var split = new RowSplit(rows);
        split.ChooseTraining(options);
        split.Draw(Split.Train, Split.Calibration, options.ValidationShare, RandomStream.Seed(options.Seed, "validation", 0));
        split.Draw(Split.Calibration, Split.Validation, 0.5, RandomStream.Seed(options.Seed, "calibration", 0));
        RequireRows(split._splits, options, source);
        return split._splits;
    }

    private void ChooseTraining(DatasetOptions options)
    {
        Array.Fill(_splits, Split.Test);
        if (options is { Time: null, Part: null })
        {
            Draw(Split.Test, Split.Train, options.TrainingShare, RandomStream.Seed(options.Seed, "split", 0));
            return;
        }

        var cut = options.Time is null ? 0 : CutTime(_rows.Times, options.TrainingShare);
        for (var row = 0; row < _splits.Length; row++)
        {
            var trains = options.Time is null ? _rows.GivenParts[row] == Split.Train : _rows.Times[row] < cut;
            _splits[row] = trains ? Split.Train : Split.Test;
        }
    }

    /// <summary>
    /// Moves the share of a part's rows to another part. What is taken is rounded over the stages cumulated, the latest
    /// first, so that each stage gives its share within one row and all together within half a row.
    /// </summary>
    private void Draw(Split from, Split to, double share, ulong seed)
    {
        var ends = OrderByStage(from, seed);
        var (begin, seen, taken) = (0, 0L, 0L);
        foreach (var end in ends)
        {
            Array.Sort(_draws, _order, begin, end - begin);
            seen += end - begin;
            var wanted = (long)Math.Round(share * seen, MidpointRounding.AwayFromZero);
            foreach (var row in _order.AsSpan(begin, (int)(wanted - taken)))
            {
                _splits[row] = to;
            }

            (begin, taken) = (end, wanted);
        }
    }

    /// <summary>Writes a part's rows and their draws stage after stage, the latest stage first.</summary>
    /// <returns>where each stage's rows end</returns>
    private int[] OrderByStage(Split part, ulong seed)
    {
        var ends = new int[_rows.Tasks + 1];
        for (var row = 0; row < _splits.Length; row++)
        {
            if (_splits[row] == part)
            {
                ends[Place(row)]++;
            }
        }

        for (var stage = ends.Length - 1; stage >= 0; stage--)
        {
            ends[stage] = ends.AsSpan(0, stage).ToArray().Sum();
        }

        for (var row = 0; row < _splits.Length; row++)
        {
            if (_splits[row] == part)
            {
                var place = ends[Place(row)]++;
                (_draws[place], _order[place]) = (RandomStream.Seed(seed, _rows.FileRows[row]), row);
            }
        }

        return ends;
    }

    private int Place(int row) => _rows.Tasks - _rows.LabelsOf(row).Count((byte)1);

    private static long CutTime(ReadOnlySpan<long> times, double share)
    {
        var sorted = times.ToArray();
        Array.Sort(sorted);
        return sorted[(int)(share * sorted.Length)];
    }

    private static void RequireRows(ReadOnlySpan<Split> splits, DatasetOptions options, string source)
    {
        foreach (var split in (ReadOnlySpan<Split>)[Split.Train, Split.Validation, Split.Test])
        {
            if (!splits.Contains(split))
            {
                throw new InputException(string.Create(CultureInfo.InvariantCulture,
                    $"{source}: of {splits.Length:N0} rows none falls into the {split.ToString().ToLowerInvariant()} part; {Advice(options)}."));
            }
        }
    }

    private static string Advice(DatasetOptions options) => options switch
    {
        { Time: { } time } => $"give more rows or a --time column with more different values than '{time}'",
        { Part: { } part } => $"give more rows, both train and test in column '{part}'",
        _ => "give more rows",
    };
}
