using System.Buffers.Text;
using System.Globalization;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace Pimm.Core.Importing;

/// <summary>
/// The features of Ali-CCP's raw rows. A list is features separated by byte 1; a feature is field id, byte 2, feature id,
/// byte 3, value. Kept are the 18 single-valued fields of AITM; values are not used.
/// </summary>
public static class AliCcpFeatures
{
    // Never "\x01": C# reads up to four hexadecimal digits behind \x, so "\x01210" would be U+0121 and a 0.
    private const byte BetweenFeatures = (byte)'\u0001';
    private const byte BehindField = (byte)'\u0002';
    private const byte BehindId = (byte)'\u0003';

    /// <summary>Width of the field ids that are kept: three digits.</summary>
    private const int Width = 3;

    /// <summary>The fields kept, in the order of AITM's columns: user 101 … 129, item 205 … 216, crosses 508 … 853, position 301.</summary>
    public static IReadOnlyList<string> Columns { get; } =
        ["101", "121", "122", "124", "125", "126", "127", "128", "129", "205", "206", "207", "216", "508", "509", "702", "853", "301"];

    // Behind Columns: it is made of them.
    private static readonly sbyte[] Places = PlacesByNumber();

    /// <summary>Puts the raw ids of the kept fields in their places; of a field that is repeated the last one stays.</summary>
    /// <param name="row">the row that holds the list</param>
    /// <param name="countColumn">place of feature_num; the list is the column behind it</param>
    /// <param name="ids">18 raw ids, 0 where a field is missing</param>
    /// <exception cref="InputException">a list that is not of this form, or of another length than feature_num</exception>
    internal static void Read(RawRows row, int countColumn, Span<int> ids)
    {
        ids.Clear();
        var declared = row[countColumn];
        if (!Utf8Parser.TryParse(declared, out int count, out var parsed) || parsed != declared.Length || count < 0)
        {
            throw row.Refused(countColumn, "a whole number, 0 or more");
        }

        var found = 0;
        var list = row[countColumn + 1];
        while (!list.IsEmpty)
        {
            var (field, id, length) = Cut(list);
            if (field <= 0 || id <= field + 1 || length <= id + 1)
            {
                throw Malformed(row, found + 1, list);
            }

            found++;
            var place = field == Width ? PlaceOf(list) : -1;
            if (place >= 0)
            {
                ids[place] = TryId(list[(field + 1)..id], out var raw) ? raw : throw Malformed(row, found, list);
            }

            if (length == list.Length - 1)
            {
                throw Malformed(row, found + 1, []);
            }

            list = length == list.Length ? [] : list[(length + 1)..];
        }

        if (found != count)
        {
            throw row.Refused(string.Create(CultureInfo.InvariantCulture, $"feature_num is {count:N0} and the list has {found:N0} features"));
        }
    }

    /// <summary>Where the first feature of a list ends, and its field and its id; -1 for what is not in its place.</summary>
    private static (int Field, int Id, int Length) Cut(ReadOnlySpan<byte> list)
    {
        if (Vector256.IsHardwareAccelerated && list.Length >= Vector256<byte>.Count)
        {
            // The separators are the only bytes up to 3: all three of a feature from one look at 32 bytes.
            var separators = Vector256.LessThanOrEqual(Vector256.Create(list), Vector256.Create(BehindId)).ExtractMostSignificantBits();
            if (BitOperations.PopCount(separators) >= 3)
            {
                var field = BitOperations.TrailingZeroCount(separators);
                separators &= separators - 1;
                var id = BitOperations.TrailingZeroCount(separators);
                separators &= separators - 1;
                var length = BitOperations.TrailingZeroCount(separators);
                return list[field] == BehindField && list[id] == BehindId && list[length] == BetweenFeatures ? (field, id, length) : (-1, -1, -1);
            }
        }

        return CutAny(list);
    }

    private static (int Field, int Id, int Length) CutAny(ReadOnlySpan<byte> list)
    {
        var length = list.IndexOf(BetweenFeatures);
        var feature = length < 0 ? list : list[..length];
        var field = feature.IndexOf(BehindField);
        var id = feature.IndexOf(BehindId);
        return feature.LastIndexOf(BehindField) == field && feature.LastIndexOf(BehindId) == id ? (field, id, feature.Length) : (-1, -1, -1);
    }

    private static InputException Malformed(RawRows row, int number, ReadOnlySpan<byte> list) => row.Refused(string.Create(CultureInfo.InvariantCulture,
        $"feature {number:N0} is '{RawRows.Shown(list.IndexOf(BetweenFeatures) is var end and >= 0 ? list[..end] : list)}' and must be a field id, ^B, a feature id up to 2,147,483,647, ^C and a value, with ^A before the next one"));

    private static bool TryId(ReadOnlySpan<byte> digits, out int id)
    {
        id = 0;
        if (digits.Length > 10)
        {
            return false;
        }

        long value = 0;
        foreach (var letter in digits)
        {
            if (letter is < (byte)'0' or > (byte)'9')
            {
                return false;
            }

            value = (value * 10) + (letter - '0');
        }

        id = value <= int.MaxValue ? (int)value : 0;
        return value <= int.MaxValue;
    }

    /// <returns>the place of a kept field among the columns, -1 for any other</returns>
    internal static int PlaceOf(ReadOnlySpan<byte> field)
    {
        var (first, second, third) = (field[0] - '0', field[1] - '0', field[2] - '0');
        return (uint)first > 9 || (uint)second > 9 || (uint)third > 9 ? -1 : Places[(first * 100) + (second * 10) + third];
    }

    private static sbyte[] PlacesByNumber()
    {
        var places = new sbyte[1000];
        Array.Fill(places, (sbyte)-1);
        for (var place = 0; place < Columns.Count; place++)
        {
            places[int.Parse(Columns[place], CultureInfo.InvariantCulture)] = (sbyte)place;
        }

        return places;
    }
}
