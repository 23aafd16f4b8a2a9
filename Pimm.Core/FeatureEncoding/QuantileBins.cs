namespace Pimm.Core.FeatureEncoding;

/// <summary>
/// Cuts the values of a column into bins of about equal counts. A value so frequent that it fills a bin gets one of its
/// own and the other bins share the rest, so that a column that is mostly 0 still tells 1 from 2 (the scheme of
/// LightGBM's GreedyFindBin; Ke et al. 2017).
/// </summary>
public static class QuantileBins
{
    /// <param name="values">different finite values, ascending</param>
    /// <param name="counts">rows of each value, same length</param>
    /// <param name="bins">the most bins, at least 2</param>
    /// <param name="minimumCount">the fewest rows of a bin, where there are that many at all</param>
    /// <returns>the edges, half-way between neighbouring values; bins − 1 of them at most</returns>
    public static double[] Cut(ReadOnlySpan<double> values, ReadOnlySpan<long> counts, int bins, long minimumCount)
    {
        var share = new FairShare(counts, values.Length <= bins ? values.Length : bins);
        var edges = new List<double>();
        long inBin = 0;
        for (var place = 0; place + 1 < values.Length && edges.Count + 1 < bins; place++)
        {
            inBin += counts[place];
            share.Take(counts[place]);
            var full = values.Length <= bins || share.Fills(counts[place]) || inBin >= share.Mean
                || (share.Fills(counts[place + 1]) && inBin >= share.Mean / 2);
            if (full && inBin >= minimumCount)
            {
                edges.Add(Between(values[place], values[place + 1]));
                share.Close(counts[place]);
                inBin = 0;
            }
        }

        var last = Sum(counts) - CountBelow(edges, values, counts);
        if (edges.Count > 0 && last < minimumCount)
        {
            edges.RemoveAt(edges.Count - 1);
        }

        return [.. edges];
    }

    private static long Sum(ReadOnlySpan<long> counts)
    {
        long sum = 0;
        foreach (var count in counts)
        {
            sum += count;
        }

        return sum;
    }

    private static long CountBelow(List<double> edges, ReadOnlySpan<double> values, ReadOnlySpan<long> counts)
    {
        long below = 0;
        for (var place = 0; edges.Count > 0 && place < values.Length && values[place] < edges[^1]; place++)
        {
            below += counts[place];
        }

        return below;
    }

    /// <summary>A number above the left and not above the right one.</summary>
    private static double Between(double left, double right)
    {
        var middle = (left / 2) + (right / 2);
        return middle > left && middle <= right ? middle : right;
    }

    /// <summary>What a bin of the values that do not fill one alone should hold.</summary>
    private struct FairShare
    {
        private readonly double _filling;
        private long _rest;
        private int _bins;

        public FairShare(ReadOnlySpan<long> counts, int bins)
        {
            _filling = (double)Sum(counts) / Math.Max(bins, 1);
            _bins = bins;
            foreach (var count in counts)
            {
                _rest += Fills(count) ? 0 : count;
                _bins -= Fills(count) ? 1 : 0;
            }

            Mean = (double)_rest / Math.Max(_bins, 1);
        }

        public double Mean { get; private set; }

        public readonly bool Fills(long count) => count >= _filling;

        public void Take(long count) => _rest -= Fills(count) ? 0 : count;

        public void Close(long count)
        {
            _bins -= Fills(count) ? 0 : 1;
            Mean = (double)_rest / Math.Max(_bins, 1);
        }
    }
}
