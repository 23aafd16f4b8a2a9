namespace Pimm.Core.Statistics;

/// <summary>Rows in the order of one model's scores, sorted once, so that an AUC under any multiplicities is one pass.</summary>
internal sealed class RankedRows
{
    /// <summary>A row is packed into 32 bits with two flags.</summary>
    public const int MostRows = 1 << 29;

    // Ascending by score: unit ≪ 2 | label ≪ 1 | 1 at the last row of a run of equal scores.
    private readonly int[] _rows;

    /// <param name="unitOf">the row's place in the multiplicities</param>
    public RankedRows(byte[] labels, float[] scores, int[] unitOf)
    {
        float[] keys = [.. scores];
        _rows = [.. Enumerable.Range(0, labels.Length)];
        Array.Sort(keys, _rows);
        for (int i = 0; i < _rows.Length; i++)
        {
            bool last = i + 1 == keys.Length || keys[i + 1] != keys[i];
            _rows[i] = (unitOf[_rows[i]] << 2) | (labels[_rows[i]] << 1) | (last ? 1 : 0);
        }
    }

    /// <summary>As <see cref="RankingMetrics.Auc"/> with each row repeated as often as its unit's count says; NaN with one class only.</summary>
    public double Auc(int[] counts)
    {
        long negatives = 0, positives = 0, tiedNegatives = 0, tiedPositives = 0, doubledWins = 0;
        // Sums stay below 2·MostRows², far from 2⁶³; the checks would cost a third of the time.
        unchecked
        {
            foreach (int row in _rows)
            {
                int count = counts[row >> 2], positive = count & -((row >> 1) & 1);
                tiedPositives += positive;
                tiedNegatives += count - positive;
                if ((row & 1) == 0)
                    continue;
                doubledWins += tiedPositives * (2 * negatives + tiedNegatives);
                negatives += tiedNegatives;
                positives += tiedPositives;
                tiedNegatives = tiedPositives = 0;
            }
        }
        return negatives == 0 || positives == 0 ? double.NaN : doubledWins / (2.0 * negatives * positives);
    }
}
