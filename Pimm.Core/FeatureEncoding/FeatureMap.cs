using System.Buffers;
using System.Text;

namespace Pimm.Core.FeatureEncoding;

/// <summary>
/// How a customer's attributes become the ids that a network sees; fitted on training rows only and kept with the model.
/// Id 0 of every field is a missing or unknown value. Safe to use from several threads.
/// </summary>
public sealed record FeatureMap
{
    private readonly FieldEncoder[] _encoders;

    /// <param name="fields">at least one, names unique</param>
    /// <exception cref="InputException">no field, a name twice, edges that do not ascend, a category twice</exception>
    public FeatureMap(IReadOnlyList<FeatureField> fields)
    {
        if (fields.Count == 0)
        {
            throw new InputException("A feature map needs at least one field.");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var field in fields)
        {
            Check(field, names);
        }

        Fields = fields;
        VocabularySizes = [.. fields.Select(field => field.VocabularySize)];
        _encoders = [.. fields.Select(field => new FieldEncoder(field))];
    }

    public IReadOnlyList<FeatureField> Fields { get; }

    /// <summary>Ids of field f run from 0 to VocabularySizes[f] exclusive.</summary>
    public IReadOnlyList<int> VocabularySizes { get; }

    /// <summary>The id of a field's value as UTF-8 text, without an allocation.</summary>
    public int Encode(int field, ReadOnlySpan<byte> value) => _encoders[field].Encode(value);

    /// <summary>The id of a field's value as text; a null string is an empty span and so missing.</summary>
    public int Encode(int field, ReadOnlySpan<char> value)
    {
        var needed = Encoding.UTF8.GetMaxByteCount(value.Length);
        if (needed <= 512)
        {
            Span<byte> bytes = stackalloc byte[512];
            return Encode(field, bytes[..Encoding.UTF8.GetBytes(value, bytes)]);
        }

        var rented = ArrayPool<byte>.Shared.Rent(needed);
        var id = Encode(field, rented.AsSpan(0, Encoding.UTF8.GetBytes(value, rented)));
        ArrayPool<byte>.Shared.Return(rented);
        return id;
    }

    /// <summary>The id of a field's value as a number; null, NaN and infinities are missing.</summary>
    public int Encode(int field, double? value) => value is { } number ? _encoders[field].Encode(number) : 0;

    public string ToJson() => FeatureMapJson.Write(this);

    /// <exception cref="InputException">text that is no feature map</exception>
    public static FeatureMap FromJson(string json) => FeatureMapJson.Read(json);

    public bool Equals(FeatureMap? other) => other is not null && ToJson() == other.ToJson();

    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);

    private static void Check(FeatureField field, HashSet<string> names)
    {
        if (!names.Add(field.Name))
        {
            throw new InputException($"The feature map holds the field '{field.Name}' twice.");
        }

        for (var edge = 0; edge < field.Edges.Count; edge++)
        {
            if (!double.IsFinite(field.Edges[edge]) || (edge > 0 && field.Edges[edge] <= field.Edges[edge - 1]))
            {
                throw new InputException($"The bin edges of the field '{field.Name}' are not finite and ascending.");
            }
        }

        if (field.Vocabulary.Distinct(StringComparer.Ordinal).Count() != field.Vocabulary.Count)
        {
            throw new InputException($"The vocabulary of the field '{field.Name}' holds a category twice.");
        }
    }
}
