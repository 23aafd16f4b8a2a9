using System.Runtime.InteropServices;
using System.Text;

namespace Pimm.Core.Importing;

/// <summary>
/// Numbers different keys 0, 1, 2 … in the order of their first sight. A key of 16 lower-case hexadecimal digits is kept as
/// its 64 bits, any other as text.
/// </summary>
internal sealed class RowKeys
{
    private readonly Dictionary<ulong, int> _hashes = [];
    private readonly Dictionary<string, int> _texts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _textsBySpan;

    public RowKeys() => _textsBySpan = _texts.GetAlternateLookup<ReadOnlySpan<char>>();

    public int Count => _hashes.Count + _texts.Count;

    /// <returns>the key's number, and whether it was there before</returns>
    public (int Row, bool Known) Add(ReadOnlySpan<byte> key)
    {
        var next = Count;
        bool known;
        ref var row = ref TryHash(key, out var hash)
            ? ref CollectionsMarshal.GetValueRefOrAddDefault(_hashes, hash, out known)
            : ref CollectionsMarshal.GetValueRefOrAddDefault(_texts, Encoding.Latin1.GetString(key), out known);
        if (!known)
        {
            row = next;
        }

        return (row, known);
    }

    /// <returns>-1 for a key that is not there</returns>
    public int Find(ReadOnlySpan<byte> key)
    {
        if (TryHash(key, out var hash))
        {
            return _hashes.TryGetValue(hash, out var row) ? row : -1;
        }

        Span<char> text = key.Length <= 256 ? stackalloc char[key.Length] : new char[key.Length];
        // Latin-1 keeps every byte apart, so that the text is the key whatever its encoding.
        Encoding.Latin1.GetChars(key, text);
        return _textsBySpan.TryGetValue(text, out var textRow) ? textRow : -1;
    }

    private static bool TryHash(ReadOnlySpan<byte> key, out ulong hash)
    {
        hash = 0;
        if (key.Length != 16)
        {
            return false;
        }

        foreach (var letter in key)
        {
            var digit = letter is >= (byte)'0' and <= (byte)'9' ? letter - '0' : letter is >= (byte)'a' and <= (byte)'f' ? letter - 'a' + 10 : -1;
            if (digit < 0)
            {
                return false;
            }

            hash = (hash << 4) | (uint)digit;
        }

        return true;
    }
}
