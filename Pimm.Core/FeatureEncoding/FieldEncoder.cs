using System.Text;

namespace Pimm.Core.FeatureEncoding;

/// <summary>The look-up that belongs to one <see cref="FeatureField"/>.</summary>
internal sealed class FieldEncoder
{
    private readonly bool _numeric;
    private readonly bool _wordsAreNumbers;
    private readonly double[] _edges;
    private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _ids;

    public FieldEncoder(FeatureField field)
    {
        _numeric = field.Kind == FieldKind.Numeric;
        _edges = [.. field.Edges];
        var ids = new Dictionary<byte[], int>(field.Vocabulary.Count, Utf8Key.Comparer);
        _wordsAreNumbers = field.Vocabulary.Count > 0;
        foreach (var word in field.Vocabulary)
        {
            var bytes = Encoding.UTF8.GetBytes(word);
            ids.Add(bytes, ids.Count + 1);
            _wordsAreNumbers = _wordsAreNumbers && NumberText.TryParse(bytes, out _);
        }

        _ids = ids.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    public int Encode(ReadOnlySpan<byte> value)
    {
        if (_numeric)
        {
            return NumberText.TryParse(value, out var number) ? BinOf(number) : 0;
        }

        if (_ids.TryGetValue(value, out var id))
        {
            return id;
        }

        // "1.0" and "01" are the category "1" of a column whose categories are numbers.
        return _wordsAreNumbers && NumberText.TryParse(value, out var category) ? IdOf(category) : 0;
    }

    public int Encode(double value)
    {
        if (!double.IsFinite(value))
        {
            return 0;
        }

        return _numeric ? BinOf(value) : IdOf(value);
    }

    private int IdOf(double value)
    {
        Span<byte> buffer = stackalloc byte[32];
        return _ids.TryGetValue(NumberText.Format(value, buffer), out var id) ? id : 0;
    }

    private int BinOf(double value)
    {
        var (low, high) = (0, _edges.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _edges[middle] <= value ? (middle + 1, high) : (low, middle);
        }

        return low + 1;
    }
}
