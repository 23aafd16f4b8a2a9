using System.Globalization;
using Pimm.Core.FeatureEncoding;

namespace Pimm.Core.Datasets;

/// <summary>
/// Finds features that give a label away: one that equals it in whatever words, or one that alone ranks it with an AUC above
/// <see cref="Bound"/>. The AUC is cross-fitted on training rows: each half is ranked by the rates of the other half,
/// so that a column of many rare values is not taken for a leak.
/// </summary>
internal sealed class LeakCheck
{
    /// <summary>No attribute known before the impression came near this in any data set that was looked at.</summary>
    public const double Bound = 0.99;

    /// <summary>So many leaks are named in the sentence, the worst.</summary>
    private const int Shown = 5;

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

    /// <returns>a note for each leak that is allowed</returns>
    /// <exception cref="InputException">features that are not allowed to leak and do; one sentence names the worst</exception>
    public IReadOnlyList<string> Complete(IReadOnlyList<string> tasks, IReadOnlyList<string> allowed, string source)
    {
        var leaks = Leaks(tasks).ToLookup(leak => allowed.Contains(leak.Feature));
        return leaks[false].Any()
            ? throw Refused([.. leaks[false].OrderByDescending(leak => leak.Auc)], source)
            : [.. leaks[true].Select(leak => string.Create(CultureInfo.InvariantCulture,
                $"Feature {leak.Text} on {_rows:N0} training rows; it is kept because --allow-leak names it."))];
    }

    private IEnumerable<Leak> Leaks(IReadOnlyList<string> tasks)
    {
        for (var field = 0; field < _map.Fields.Count; field++)
        {
            for (var task = 0; task < _tasks; task++)
            {
                var auc = EqualsLabel(field, task) ? Leak.Equal : CrossFittedAuc(field, task);
                if (auc > Bound)
                {
                    yield return new Leak(_map.Fields[field].Name, tasks[task], auc.Value);
                }
            }
        }
    }

    private InputException Refused(Leak[] leaks, string source)
    {
        var shown = leaks.Take(Shown).ToArray();
        var features = string.Join(',', shown.Select(leak => leak.Feature).Distinct());
        var more = leaks.Length > Shown ? $" and {leaks.Length - Shown} more" : "";
        return new InputException(string.Create(CultureInfo.InvariantCulture,
            $"{source}: feature {string.Join(", ", shown.Select(leak => leak.Text))}{more} on {_rows:N0} training rows (bound {Bound}), so probably recorded after the outcome; leave out with --ignore {features}, or keep with --allow-leak {features}."));
    }

    /// <param name="Auc">cross-fitted, or <see cref="Equal"/></param>
    private readonly record struct Leak(string Feature, string Label, double Auc)
    {
        /// <summary>Worse than any AUC.</summary>
        public const double Equal = 2;

        public string Text => Auc == Equal
            ? $"'{Feature}' equals the label '{Label}'"
            : string.Create(CultureInfo.InvariantCulture, $"'{Feature}' alone predicts the label '{Label}' with an AUC of {Auc:0.000}");
    }

    private (long Rows, long Positives) Cell(int field, int task, int id, int half)
    {
        var place = ((2 * id) + half) * (_tasks + 1);
        return (_counts[field][place + _tasks], _counts[field][place + task]);
    }

    /// <summary>Whether a column of two values, whatever their words (a missing one counts), says the label or its opposite in every row.</summary>
    private bool EqualsLabel(int field, int task)
    {
        if (_map.Fields[field].Kind != FieldKind.Categorical)
        {
            return false;
        }

        var (none, all) = (0, 0);
        for (var id = 0; id < _map.VocabularySizes[field]; id++)
        {
            var (rows, positives) = Both(field, task, id);
            if (positives > 0 && positives < rows)
            {
                return false;
            }

            none += rows > 0 && positives == 0 ? 1 : 0;
            all += rows > 0 && positives == rows ? 1 : 0;
        }

        return (none, all) == (1, 1);
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
