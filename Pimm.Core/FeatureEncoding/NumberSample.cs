namespace Pimm.Core.FeatureEncoding;

/// <summary>At most 4 million of a column's values, every k-th of them with k doubled whenever the room is full.</summary>
internal sealed class NumberSample
{
    private const int Room = 4_000_000;
    private readonly List<double> _values = [];
    private long _seen;
    private long _every = 1;

    public void Add(double value)
    {
        if (_seen++ % _every != 0)
        {
            return;
        }

        _values.Add(value);
        if (_values.Count == Room)
        {
            for (var place = 0; place < Room / 2; place++)
            {
                _values[place] = _values[place * 2];
            }

            _values.RemoveRange(Room / 2, Room / 2);
            _every *= 2;
        }
    }

    /// <summary>The different values, ascending, and how many rows each one stands for.</summary>
    public (double[] Values, long[] Counts) Histogram()
    {
        _values.Sort();
        var (values, counts) = (new List<double>(), new List<long>());
        foreach (var value in _values)
        {
            if (values.Count == 0 || values[^1] != value)
            {
                values.Add(value);
                counts.Add(0);
            }

            counts[^1] += _every;
        }

        return ([.. values], [.. counts]);
    }
}
