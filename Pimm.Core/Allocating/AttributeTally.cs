using Pimm.Core.Importing;
using Pimm.Core.Statistics;

namespace Pimm.Core.Allocating;

/// <summary>
/// Counts one attribute of the eligible customers by their arm under two splits, one customer at a time: numbers as moments,
/// texts by level. Missing values are a level of their own and never a number.
/// </summary>
internal sealed class AttributeTally(AudienceColumn attribute)
{
    /// <summary>Most levels shown of a text attribute, the commonest first.</summary>
    public const int MostLevels = 12;

    /// <summary>A level that fewer customers have is not shown.</summary>
    public const double SmallestShare = 0.01;

    // Customers come in the order of a hash: a level of one percent is among the first thousands, so nothing shown is lost.
    private const int MostCounted = 10_000;
    private const string Missing = "(missing)";

    private readonly Dictionary<string, LevelCount> _levels = new(StringComparer.Ordinal);
    private readonly Moments[] _moments = new Moments[4];
    private readonly long[] _customers = new long[4];
    private double? _shift;

    /// <param name="before">in the treatment under the first split</param>
    /// <param name="after">in the treatment under the second</param>
    public void Add(double value, bool before, bool after)
    {
        Count(before, after);
        if (double.IsNaN(value))
        {
            CountLevel(Missing, before, after);
            return;
        }
        // About a common point, so that a large mean costs no digits.
        _shift ??= value;
        _moments[Place(before)] = _moments[Place(before)].Plus(value - _shift.Value);
        _moments[2 + Place(after)] = _moments[2 + Place(after)].Plus(value - _shift.Value);
    }

    public void Add(string? level, bool before, bool after)
    {
        Count(before, after);
        CountLevel(level ?? Missing, before, after);
    }

    public IEnumerable<AttributeBalance> Result()
    {
        if (attribute.IsNumber)
        {
            yield return new AttributeBalance(attribute.Name, null, null, Difference(_moments[0], _moments[1]), Difference(_moments[2], _moments[3]));
        }
        var all = _customers[0] + _customers[1];
        var common = _levels.Where(l => l.Value.All >= SmallestShare * all).OrderByDescending(l => l.Value.All).ThenBy(l => l.Key, StringComparer.Ordinal);
        foreach (var (level, count) in common.Take(MostLevels))
        {
            yield return new AttributeBalance(
                attribute.Name, level, (double)count.All / all,
                Difference(count.Control(0), _customers[0], count.Treatment(0), _customers[1]),
                Difference(count.Control(2), _customers[2], count.Treatment(2), _customers[3]));
        }
    }

    private void Count(bool before, bool after)
    {
        _customers[Place(before)]++;
        _customers[2 + Place(after)]++;
    }

    private void CountLevel(string level, bool before, bool after)
    {
        if (!_levels.TryGetValue(level, out var count))
        {
            if (_levels.Count >= MostCounted)
            {
                return;
            }
            _levels.Add(level, count = new LevelCount());
        }
        count.Add(Place(before), 2 + Place(after));
    }

    private static int Place(bool treated) => treated ? 1 : 0;

    private static double? Difference(Moments control, Moments treatment) =>
        control.Variance is { } c && treatment.Variance is { } t && c + t > 0 ? (treatment.Mean - control.Mean) / Math.Sqrt((c + t) / 2) : null;

    private static double? Difference(long control, long controls, long treatment, long treatments)
    {
        if (controls == 0 || treatments == 0)
        {
            return null;
        }
        double c = (double)control / controls, t = (double)treatment / treatments, spread = (c * (1 - c) + t * (1 - t)) / 2;
        return spread > 0 ? (t - c) / Math.Sqrt(spread) : null;
    }

    private sealed class LevelCount
    {
        private readonly long[] _counts = new long[4];

        public long All => _counts[0] + _counts[1];

        public long Control(int split) => _counts[split];

        public long Treatment(int split) => _counts[split + 1];

        public void Add(int before, int after)
        {
            _counts[before]++;
            _counts[after]++;
        }
    }
}
