using System.Globalization;
using Pimm.Core.Statistics;

namespace Pimm.Core.Datasets;

/// <summary>
/// Which row trains, validates, calibrates or tests. Every draw is of customers (rows, where the file names none) and stratified by
/// the exit stage (how many labels are 1, the most of a customer's rows): within a stage, customers stand in an order that the seed
/// and the numbers of their first rows decide, and the first of them are taken with all their rows.
/// </summary>
internal sealed class RowSplit
{
    private readonly RowLabels _rows;
    private readonly Split[] _splits;

    // One entry a customer, used by every draw.
    private readonly sbyte[] _stages;
    private readonly int[] _firstRows;
    private readonly int[] _order;
    private readonly ulong[] _draws;
    private readonly bool[] _taken;

    private RowSplit(RowLabels rows)
    {
        _rows = rows;
        _splits = new Split[rows.Rows];
        var customers = rows.Customers.Length == 0 ? rows.Rows : Highest(rows.Customers) + 1;
        (_stages, _firstRows, _order, _draws, _taken) =
            (new sbyte[customers], new int[customers], new int[customers], new ulong[customers], new bool[customers]);
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
    /// Moves the share of a part's customers to another part. What is taken is rounded over the stages cumulated, the latest
    /// first, so that each stage gives its share within one customer and all together within half a customer.
    /// </summary>
    private void Draw(Split from, Split to, double share, ulong seed)
    {
        FindCustomers(from);
        Array.Clear(_taken);
        var (seen, before) = (0L, 0L);
        for (var stage = _rows.Tasks; stage >= 0; stage--)
        {
            var count = OrderStage(stage, seed);
            seen += count;
            var wanted = (long)Math.Round(share * seen, MidpointRounding.AwayFromZero);
            foreach (var customer in _order.AsSpan(0, (int)(wanted - before)))
            {
                _taken[customer] = true;
            }

            before = wanted;
        }

        for (var row = 0; row < _splits.Length; row++)
        {
            _splits[row] = _splits[row] == from && _taken[CustomerOf(row)] ? to : _splits[row];
        }
    }

    /// <summary>Each customer's latest stage and first row among the rows of a part; stage −1 for one without such rows.</summary>
    private void FindCustomers(Split part)
    {
        Array.Fill(_stages, (sbyte)-1);
        for (var row = _splits.Length - 1; row >= 0; row--)
        {
            if (_splits[row] == part)
            {
                var customer = CustomerOf(row);
                _stages[customer] = Math.Max(_stages[customer], (sbyte)_rows.LabelsOf(row).Count((byte)1));
                _firstRows[customer] = row;
            }
        }
    }

    /// <summary>Puts the customers of a stage first, in the order of their draws.</summary>
    /// <returns>how many they are</returns>
    private int OrderStage(int stage, ulong seed)
    {
        var count = 0;
        for (var customer = 0; customer < _stages.Length; customer++)
        {
            if (_stages[customer] == stage)
            {
                (_draws[count], _order[count++]) = (RandomStream.Seed(seed, _rows.FileRows[_firstRows[customer]]), customer);
            }
        }

        Array.Sort(_draws, _order, 0, count);
        return count;
    }

    private int CustomerOf(int row) => _rows.Customers.Length == 0 ? row : _rows.Customers[row];

    private static int Highest(ReadOnlySpan<int> numbers)
    {
        var highest = 0;
        foreach (var number in numbers)
        {
            highest = Math.Max(highest, number);
        }

        return highest;
    }

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
