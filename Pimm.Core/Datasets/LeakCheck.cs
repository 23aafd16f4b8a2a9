using System.Globalization;
using Pimm.Core.FeatureEncoding;

namespace Pimm.Core.Datasets;

/// <summary>
/// Finds features that give a label away: one that equals it, or one that alone ranks it with an AUC above
/// <see cref="Bound"/>. The AUC is cross-fitted on training rows: each half is ranked by the rates of the other half,
/// so that a column of many rare values is not taken for a leak.
/// </summary>
internal sealed class LeakCheck
{
    /// <summary>No attribute known before the impression came near this in any data set that was looked at.</summary>
    public const double Bound = 0.98;

    private readonly FeatureMap _map;
    private readonly int _tasks;
    private readonly long[][] _counts;
    private long _rows;

    public LeakCheck(FeatureMap map, int tasks)
    {
        _map = map;
        _tasks = tasks;
        _counts = [.. map.VocabularySizes.Select(size => new long[2 * size * (tasks + 1)])];
    }

    /// <summary>Takes in one training row.</summary>
    public void Add(ReadOnlySpan<int> ids, ReadOnlySpan<byte> labels)
    {
        var half = (int)(_rows++ % 2);
        for (var field = 0; field < ids.Length; field++)
        {
            var place = ((2 * ids[field]) + half) * (_tasks + 1);
            var counts = _counts[field].AsSpan(place, _tasks + 1);
            counts[_tasks]++;
            for (var task = 0; task < labels.Length; task++)
            {
                counts[task] += labels[task];
            }
        }
    }

    /// <exception cref="InputException">a feature that is not allowed to leak and does</exception>
    public void Complete(IReadOnlyList<string> tasks, IReadOnlyList<string> allowed, string source)
    {
        for (var field = 0; field < _map.Fields.Count; field++)
        {
            var name = _map.Fields[field].Name;
            for (var task = 0; task < _tasks && !allowed.Contains(name); task++)
            {
                Refuse(field, task, name, tasks[task], source);
            }
        }
    }

    private void Refuse(int field, int task, string name, string label, string source)
    {
        const string advice = "leave it out with --ignore, or keep it with --allow-leak";
        if (EqualsLabel(field, task))
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"{source}: feature '{name}' equals the label '{label}' in all {_rows:N0} training rows; {advice} {name}."));
        }

        if (CrossFittedAuc(field, task) is { } auc and > Bound)
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"{source}: feature '{name}' alone predicts the label '{label}' with an AUC of {auc:0.000} on training rows (bound {Bound}), so it was probably recorded after the outcome; {advice} {name}."));
        }
    }

    private (long Rows, long Positives) Cell(int field, int task, int id, int half)
    {
        var place = ((2 * id) + half) * (_tasks + 1);
        return (_counts[field][place + _tasks], _counts[field][place + task]);
    }

    private bool EqualsLabel(int field, int task)
    {
        var vocabulary = _map.Fields[field].Vocabulary;
        if (vocabulary is not ["0", "1"])
        {
            return false;
        }

        var (none, zero, one) = (Both(field, task, 0), Both(field, task, 1), Both(field, task, 2));
        return none.Rows == 0 && zero.Positives == 0 && one.Positives == one.Rows;
    }

    private (long Rows, long Positives) Both(int field, int task, int id)
    {
        var (first, second) = (Cell(field, task, id, 0), Cell(field, task, id, 1));
        return (first.Rows + second.Rows, first.Positives + second.Positives);
    }

    private double? CrossFittedAuc(int field, int task)
    {
        var (first, second) = (Concordance(field, task, 0), Concordance(field, task, 1));
        var pairs = first.Pairs + second.Pairs;
        return pairs == 0 ? null : (first.Won + second.Won) / pairs;
    }

    /// <summary>Pairs of a positive and a negative row of one half, and how many of them the other half's rates order rightly (ties count half).</summary>
    private (double Won, double Pairs) Concordance(int field, int task, int half)
    {
        var ids = new (double Rate, long Rows, long Positives)[_map.VocabularySizes[field]];
        for (var id = 0; id < ids.Length; id++)
        {
            var seen = Cell(field, task, id, 1 - half);
            var (rows, positives) = Cell(field, task, id, half);
            ids[id] = (seen.Rows == 0 ? 0 : (double)seen.Positives / seen.Rows, rows, positives);
        }

        Array.Sort(ids, static (left, right) => left.Rate.CompareTo(right.Rate));
        var (won, negatives, positivesSeen) = (0.0, 0L, 0L);
        for (var place = 0; place < ids.Length;)
        {
            var (rate, tiedNegatives, tiedPositives) = (ids[place].Rate, 0L, 0L);
            for (; place < ids.Length && ids[place].Rate == rate; place++)
            {
                tiedPositives += ids[place].Positives;
                tiedNegatives += ids[place].Rows - ids[place].Positives;
            }

            won += tiedPositives * (negatives + (tiedNegatives / 2.0));
            negatives += tiedNegatives;
            positivesSeen += tiedPositives;
        }

        return (won, (double)positivesSeen * negatives);
    }
}
