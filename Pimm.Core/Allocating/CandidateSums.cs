using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using Pimm.Core.Statistics;

namespace Pimm.Core.Allocating;

/// <summary>
/// The imbalance of many candidate salts, in one pass over the customers a processor: a few hundred customers at a time are taken
/// through all of its candidates, four of which are hashed at once. Each candidate's sums are added in the order of the
/// customers, so that neither the number of processors nor the width of their registers changes a bit of them.
/// </summary>
internal sealed class CandidateSums
{
    private const int CustomersAtOnce = 512;
    private static readonly int Lanes = Vector256<ulong>.Count;

    private readonly BalanceGeometry _geometry;
    private readonly ulong[] _high, _low;

    public CandidateSums(IReadOnlyList<Guid> customers, BalanceGeometry geometry)
    {
        _geometry = geometry;
        (_high, _low) = (new ulong[customers.Count], new ulong[customers.Count]);
        Span<byte> bytes = stackalloc byte[16];
        for (int i = 0; i < _high.Length; i++)
        {
            customers[i].TryWriteBytes(bytes, bigEndian: true, out _);
            (_high[i], _low[i]) = (BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));
        }
    }

    /// <param name="threads">null: one a processor; the result is the same at any number</param>
    public double[] Imbalances(SaltKey[] salts, int? threads)
    {
        var imbalances = new double[salts.Length];
        var fours = new Four[(salts.Length + Lanes - 1) / Lanes];
        for (int f = 0; f < fours.Length; f++)
            fours[f] = new Four([.. Enumerable.Range(f * Lanes, Lanes).Select(c => salts[Math.Min(c, salts.Length - 1)])], _geometry.Dimensions);
        int parts = Math.Min(threads ?? Environment.ProcessorCount, fours.Length);
        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = parts }, part =>
        {
            Span<Four> own = fours.AsSpan(fours.Length * part / parts, fours.Length * (part + 1) / parts - fours.Length * part / parts);
            for (int from = 0; from < _high.Length; from += CustomersAtOnce)
                foreach (Four four in own)
                    Add(four, from, Math.Min(_high.Length, from + CustomersAtOnce));
        });
        Span<double> sum = stackalloc double[_geometry.Dimensions];
        for (int c = 0; c < salts.Length; c++)
        {
            Four four = fours[c / Lanes];
            for (int d = 0; d < sum.Length; d++)
                sum[d] = four.Sums[d][c % Lanes];
            imbalances[c] = _geometry.Mahalanobis(sum, (long)four.Treated[c % Lanes]);
        }
        return imbalances;
    }

    /// <summary>The first covariate is summed with the hashes, further ones by what the hashes said.</summary>
    private void Add(Four four, int from, int to)
    {
        ReadOnlySpan<double> rows = _geometry.Rows;
        int dimensions = _geometry.Dimensions;
        Span<Vector256<double>> inside = stackalloc Vector256<double>[CustomersAtOnce];
        Vector256<ulong> treated = four.Treated;
        for (int i = from; i < to; i++)
        {
            Vector256<ulong> hash = Mix(Mix(Mix(Vector256.Create(_high[i]) ^ four.First) ^ Vector256.Create(_low[i])) ^ four.Second);
            treated += hash >>> 63;
            inside[i - from] = Vector256.LessThan(hash.AsInt64(), Vector256<long>.Zero).AsDouble();
        }
        four.Treated = treated;
        for (int d = 0; d < dimensions; d++)
        {
            Vector256<double> sum = four.Sums[d];
            for (int i = from; i < to; i++)
                sum += inside[i - from] & Vector256.Create(rows[i * dimensions + d]);
            four.Sums[d] = sum;
        }
    }

    /// <summary><see cref="RandomStream.Mix"/> of four words.</summary>
    private static Vector256<ulong> Mix(Vector256<ulong> z)
    {
        z = (z ^ (z >>> 30)) * Vector256.Create(0xBF58476D1CE4E5B9);
        z = (z ^ (z >>> 27)) * Vector256.Create(0x94D049BB133111EB);
        return z ^ (z >>> 31);
    }

    /// <summary>Four candidates; a number of candidates that is no multiple of four repeats the last.</summary>
    private sealed class Four(SaltKey[] salts, int dimensions)
    {
        public Vector256<ulong> First { get; } = Vector256.Create(salts[0].First, salts[1].First, salts[2].First, salts[3].First);

        public Vector256<ulong> Second { get; } = Vector256.Create(salts[0].Second, salts[1].Second, salts[2].Second, salts[3].Second);

        public Vector256<ulong> Treated { get; set; }

        public Vector256<double>[] Sums { get; } = new Vector256<double>[dimensions];
    }
}
