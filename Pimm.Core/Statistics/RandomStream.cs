using System.Numerics;
using System.Text;

namespace Pimm.Core.Statistics;

/// <summary>
/// A seeded stream of random numbers: xoshiro256** (Blackman and Vigna 2018), its state filled by splitmix64.
/// The same seed gives the same numbers on every machine and runtime. Not thread-safe: one stream a thread.
/// </summary>
public sealed class RandomStream
{
    private const ulong Golden = 0x9E3779B97F4A7C15;
    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;
    private double _spareNormal = double.NaN;

    public RandomStream(ulong seed)
    {
        unchecked
        {
            _s0 = Mix(seed + Golden);
            _s1 = Mix(seed + 2 * Golden);
            _s2 = Mix(seed + 3 * Golden);
            _s3 = Mix(seed + 4 * Golden);
        }
    }

    /// <summary>A stream of its own for one purpose, independent of every other purpose under the same seed.</summary>
    public RandomStream(ulong seed, string purpose) : this(Seed(seed, purpose, 0)) { }

    /// <summary>All that later numbers depend on, five words: set it to go on from the same point.</summary>
    /// <exception cref="ArgumentException">Not five words, or the first four are 0, from which the generator never leaves.</exception>
    public ulong[] State
    {
        get => [_s0, _s1, _s2, _s3, BitConverter.DoubleToUInt64Bits(_spareNormal)];
        set
        {
            if (value is not [var s0, var s1, var s2, var s3, var spare] || (s0 | s1 | s2 | s3) == 0)
                throw new ArgumentException("A stream's state is five words, of which the first four are not all 0.");
            (_s0, _s1, _s2, _s3, _spareNormal) = (s0, s1, s2, s3, BitConverter.UInt64BitsToDouble(spare));
        }
    }

    /// <summary>
    /// An independent seed for (seed, purpose, index): splitmix64's finaliser over the seed, the FNV-1a 64 hash of the
    /// purpose's UTF-8 bytes and the index.
    /// </summary>
    public static ulong Seed(ulong seed, string purpose, long index)
    {
        ulong text = 0xCBF29CE484222325;
        unchecked
        {
            foreach (byte b in Encoding.UTF8.GetBytes(purpose))
                text = (text ^ b) * 0x100000001B3;
            return Seed(Mix(Mix(seed + Golden) ^ text), index);
        }
    }

    /// <summary>The index-th independent seed under a seed that already carries its purpose.</summary>
    public static ulong Seed(ulong seed, long index)
    {
        unchecked { return Mix(Mix(seed + Golden) ^ ((ulong)index + Golden) * 0xD1342543DE82EF95); }
    }

    public ulong NextUInt64()
    {
        unchecked
        {
            ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
            ulong t = _s1 << 17;
            _s2 ^= _s0;
            _s3 ^= _s1;
            _s1 ^= _s2;
            _s0 ^= _s3;
            _s2 ^= t;
            _s3 = BitOperations.RotateLeft(_s3, 45);
            return result;
        }
    }

    /// <summary>Uniform on [0, 1), 53 bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform on 0 … bound − 1 without bias (Lemire 2019). The bound is at least 1.</summary>
    public int NextInt(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        ulong range = (ulong)bound;
        ulong high = Math.BigMul(NextUInt64(), range, out ulong low);
        if (low >= range)
            return (int)high;
        ulong threshold = unchecked(0UL - range) % range;
        while (low < threshold)
            high = Math.BigMul(NextUInt64(), range, out low);
        return (int)high;
    }

    /// <summary>Standard normal by Marsaglia's polar method; every second draw is the spare of the one before.</summary>
    public double NextNormal()
    {
        if (!double.IsNaN(_spareNormal))
        {
            double spare = _spareNormal;
            _spareNormal = double.NaN;
            return spare;
        }
        double u, v, s;
        do
        {
            u = 2 * NextDouble() - 1;
            v = 2 * NextDouble() - 1;
            s = u * u + v * v;
        } while (s >= 1 || s == 0);
        double scale = Math.Sqrt(-2 * Math.Log(s) / s);
        _spareNormal = v * scale;
        return u * scale;
    }

    /// <summary>Exponential with mean 1.</summary>
    public double NextExponential() => -Math.Log(1 - NextDouble());

    /// <summary>Gamma with the given shape (above 0) and scale 1 (Marsaglia and Tsang 2000).</summary>
    public double NextGamma(double shape)
    {
        if (!(shape > 0) || double.IsInfinity(shape))
            throw new ArgumentOutOfRangeException(nameof(shape), shape, "The shape of a gamma must be positive and finite.");
        if (shape < 1)
            return NextGamma(shape + 1) * Math.Pow(1 - NextDouble(), 1 / shape);
        double d = shape - 1.0 / 3;
        double c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double x = NextNormal();
            double v = 1 + c * x;
            if (v <= 0)
                continue;
            v = v * v * v;
            if (Math.Log(1 - NextDouble()) < 0.5 * x * x + d - d * v + d * Math.Log(v))
                return d * v;
        }
    }

    /// <summary>Poisson with the given mean (0 or more): products of uniforms, in parts of mean at most 16.</summary>
    public int NextPoisson(double mean)
    {
        if (!(mean >= 0) || mean > 1e6)
            throw new ArgumentOutOfRangeException(nameof(mean), mean, "The mean of a Poisson must be between 0 and 1,000,000.");
        int count = 0;
        for (double left = mean; left > 0; left -= 16)
        {
            double limit = Math.Exp(-Math.Min(left, 16));
            for (double product = 1 - NextDouble(); product > limit; product *= 1 - NextDouble())
                count++;
        }
        return count;
    }

    /// <summary>Fisher–Yates: every order equally likely.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = NextInt(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>Splitmix64's finaliser (Stafford's variant 13): a bijection of 64 bits in which every input bit reaches every output bit.</summary>
    internal static ulong Mix(ulong x)
    {
        unchecked
        {
            x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
            x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
            return x ^ (x >> 31);
        }
    }
}
