using System.Buffers.Text;

namespace Pimm.Core.Importing;

/// <summary>Tells the attributes of an audience and their types from a customer file.</summary>
public static class ColumnDetection
{
    /// <summary>
    /// Every column but the key and the ignored ones: a number where each value that is not empty is one, else text. Reads the
    /// whole file, so that a type never rests on its first rows.
    /// </summary>
    /// <exception cref="InputException">the file cannot be read, has no such key, or a row is bad beyond use</exception>
    public static IReadOnlyList<AudienceColumn> Detect(string path, string keyColumn, IReadOnlyCollection<string> ignored, char? delimiter = null)
    {
        using var file = DelimitedReader.Open(path, delimiter);
        var key = file.Names.PlaceOf(keyColumn);
        foreach (var name in ignored)
        {
            file.Names.PlaceOf(name);
        }
        int[] places = [.. Enumerable.Range(0, file.Names.All.Count).Where(p => p != key && !ignored.Contains(file.Names.All[p]))];
        if (places.Length == 0)
        {
            throw new InputException($"{file.Source} has no column besides the key '{keyColumn}': an audience needs at least one attribute.");
        }
        var isText = new bool[places.Length];
        var hasValue = new bool[places.Length];
        while (file.Read(out var problem))
        {
            for (var i = 0; problem is null && i < places.Length; i++)
            {
                var field = file[places[i]];
                hasValue[i] |= !field.IsEmpty;
                isText[i] |= !field.IsEmpty && !IsNumber(field);
            }
        }
        return [.. places.Select((place, i) => new AudienceColumn(file.Names.All[place], isText[i] || !hasValue[i] ? "text" : "number"))];
    }

    /// <summary>Digits behind a leading zero are a code, as 01234: its zero would be lost.</summary>
    internal static bool IsNumber(ReadOnlySpan<byte> field) =>
        Utf8Parser.TryParse(field, out double _, out var read) && read == field.Length && field is not [(byte)'0', >= (byte)'0' and <= (byte)'9', ..];
}
