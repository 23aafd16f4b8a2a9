namespace Pimm.Core.FeatureEncoding;

/// <summary>Fits a <see cref="FeatureMap"/>: show it every training row once, then ask for the map.</summary>
public sealed class FeatureMapFitter
{
    private readonly ColumnObservation[] _columns;
    private readonly string _source;

    /// <param name="columns">the features in the order of the map's fields</param>
    /// <param name="numeric">columns to bin as numbers whatever their values look like; a text in them is refused</param>
    /// <param name="options">bins and counts</param>
    /// <param name="source">the file's name, for the sentences</param>
    /// <param name="categorical">columns whose values are categories however many numbers they are; null for none</param>
    public FeatureMapFitter(
        IReadOnlyList<string> columns, IReadOnlyCollection<string> numeric, FeatureEncodingOptions options, string source, IReadOnlyCollection<string>? categorical = null)
    {
        options.Validate();
        _source = source;
        FieldKind? KindOf(string column) => numeric.Contains(column) ? FieldKind.Numeric : categorical?.Contains(column) == true ? FieldKind.Categorical : null;
        _columns = [.. columns.Select(column => new ColumnObservation(column, KindOf(column), options, source))];
    }

    /// <param name="column">place in the constructor's list</param>
    /// <param name="value">UTF-8, empty when missing</param>
    /// <param name="line">where it stands, for the sentences</param>
    /// <exception cref="InputException">a text in a column forced to be numeric, or too many categories</exception>
    public void Observe(int column, ReadOnlySpan<byte> value, long line) => _columns[column].Observe(value, line);

    /// <returns>the map, and one sentence for each column that was left out or read with reserve</returns>
    /// <exception cref="InputException">no column tells rows apart</exception>
    public (FeatureMap Map, IReadOnlyList<string> Notes) Fit()
    {
        var (fields, notes) = (new List<FeatureField>(), new List<string>());
        foreach (var column in _columns)
        {
            var (field, note) = column.Fit();
            if (field is not null)
            {
                fields.Add(field);
            }

            if (note is not null)
            {
                notes.Add(note);
            }
        }

        return fields.Count > 0
            ? (new FeatureMap(fields), notes)
            : throw new InputException($"{_source} has no feature that differs between training rows; {notes.FirstOrDefault() ?? "give --features."}");
    }
}
