namespace Pimm.Core.Allocating;

/// <summary>A customer's place in an order.</summary>
internal readonly record struct OrderKey(float Score, ulong Hash, int Customer);

/// <summary>
/// The first customers of an order out of a stream in any order: highest score first, of equals the smaller hash, of those the
/// smaller identity. Wanted of them are found, and with them every flagged one that stands before the last. Memory is twice the
/// wanted and whoever is flagged among them; a customer behind the threshold costs one comparison. What is found does not depend
/// on how the stream was cut into parts.
/// </summary>
internal sealed class FrontRunners(int wanted, Guid[] identities) : IComparer<OrderKey>
{
    private readonly List<OrderKey> _flagged = [];
    private OrderKey[] _found = new OrderKey[Math.Min(1024, Math.Max(1, 2 * (long)wanted))];
    private int _count;
    private OrderKey? _last;

    /// <summary>Whoever has a lower score need not be offered.</summary>
    public float Threshold { get; private set; } = wanted == 0 ? float.PositiveInfinity : float.NegativeInfinity;

    public void Offer(OrderKey key, bool flagged)
    {
        if (wanted == 0 || (_last is { } last && Compare(key, last) > 0))
            return;
        if (flagged)
        {
            _flagged.Add(key);
            return;
        }
        if (_count == _found.Length)
        {
            if (_count < 2 * (long)wanted)
                Array.Resize(ref _found, (int)Math.Min(2 * (long)wanted, 2 * (long)_count));
            else
                Cut();
        }
        _found[_count++] = key;
    }

    /// <summary>Takes in what another part of the stream found.</summary>
    public void Add(FrontRunners part)
    {
        foreach (var key in part._found.AsSpan(0, part._count))
            Offer(key, flagged: false);
        foreach (var key in part._flagged)
            Offer(key, flagged: true);
    }

    /// <summary>In order; flagged ones are those before the last of the wanted.</summary>
    public OrderKey[] InOrder()
    {
        Cut();
        OrderKey[] all = [.. _found.AsSpan(0, _count), .. _flagged];
        Array.Sort(all, this);
        return all;
    }

    public int Compare(OrderKey a, OrderKey b) =>
        a.Score != b.Score ? b.Score.CompareTo(a.Score) : a.Hash != b.Hash ? a.Hash.CompareTo(b.Hash) : identities[a.Customer].CompareTo(identities[b.Customer]);

    private void Cut()
    {
        if (wanted == 0 || _count < wanted)
            return;
        PutInPlace(wanted - 1);
        _count = wanted;
        OrderKey last = _found[wanted - 1];
        (_last, Threshold) = (last, last.Score);
        _flagged.RemoveAll(key => Compare(key, last) > 0);
    }

    /// <summary>Hoare's selection: afterwards nobody before the place belongs behind it.</summary>
    private void PutInPlace(int place)
    {
        int low = 0, high = _count - 1;
        while (low < high)
        {
            OrderKey pivot = _found[low + (high - low) / 2];
            int left = low, right = high;
            while (left <= right)
            {
                while (Compare(_found[left], pivot) < 0)
                    left++;
                while (Compare(_found[right], pivot) > 0)
                    right--;
                if (left > right)
                    break;
                (_found[left], _found[right]) = (_found[right], _found[left]);
                left++;
                right--;
            }
            if (place <= right)
                high = right;
            else if (place >= left)
                low = left;
            else
                return;
        }
    }
}
