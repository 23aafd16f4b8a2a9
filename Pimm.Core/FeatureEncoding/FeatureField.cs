namespace Pimm.Core.FeatureEncoding;

public enum FieldKind : byte
{
    /// <summary>Each frequent value is an id; id 0 is a missing, rare or unknown one.</summary>
    Categorical = 0,

    /// <summary>Each bin is an id; id 0 is a missing value or a text that is no number.</summary>
    Numeric = 1,
}

/// <summary>One input of a network: a column and how its values become ids.</summary>
/// <param name="Name">the column's name in files and tables</param>
/// <param name="Kind">what the ids stand for</param>
/// <param name="Vocabulary">categories in ordinal order, the first one id 1; empty for a numeric field</param>
/// <param name="Edges">
/// bounds between bins, strictly ascending and finite; id = 1 + the number of edges not above the value; empty for a
/// categorical field
/// </param>
public sealed record FeatureField(string Name, FieldKind Kind, IReadOnlyList<string> Vocabulary, IReadOnlyList<double> Edges)
{
    /// <summary>Ids run from 0 to this number exclusive.</summary>
    public int VocabularySize => Kind == FieldKind.Categorical ? Vocabulary.Count + 1 : Edges.Count + 2;

    public static FeatureField Categorical(string name, IReadOnlyList<string> vocabulary) => new(name, FieldKind.Categorical, vocabulary, []);

    public static FeatureField Numeric(string name, IReadOnlyList<double> edges) => new(name, FieldKind.Numeric, [], edges);
}
