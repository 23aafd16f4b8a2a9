using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Pimm.Core.Importing;

namespace Pimm.Core.FeatureEncoding;

/// <summary>What the training rows show of one column.</summary>
internal sealed class ColumnObservation
{
    /// <summary>So many different numbers are a measured quantity: their texts need not be kept any longer.</summary>
    private const int SurelyNumeric = 10_000;

    /// <summary>A column of numbers with a few texts among them stays numeric, the texts counted as missing.</summary>
    private const double StrayTextShare = 0.01;

    private readonly FieldKind? _forced;
    private readonly FeatureEncodingOptions _options;
    private readonly string _source;
    private readonly Dictionary<byte[], Category> _categories = new(Utf8Key.Comparer);
    private readonly Dictionary<byte[], Category>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private NumberSample? _sample;
    private long _missing;
    private long _numbers;
    private long _texts;
    private (long Line, string Text) _firstText;

    private enum WordKind : byte { Missing, Number, Text }

    private record struct Category(long Count, double Number, WordKind Kind);

    public ColumnObservation(string name, FieldKind? forced, FeatureEncodingOptions options, string source)
    {
        Name = name;
        _forced = forced;
        _options = options;
        _source = source;
        _lookup = _categories.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    public string Name { get; }

    public void Observe(ReadOnlySpan<byte> value, long line)
    {
        if (_sample is not null)
        {
            var (kind, number) = Classify(value);
            Count(kind, value, line);
            if (kind == WordKind.Number)
            {
                _sample.Add(number);
            }

            return;
        }

        ref var category = ref CollectionsMarshal.GetValueRefOrAddDefault(_lookup, value, out var known);
        if (!known)
        {
            (category.Kind, category.Number) = Classify(value);
        }

        category.Count++;
        Count(category.Kind, value, line);
        if (!known && _categories.Count > SurelyNumeric)
        {
            ForgetTexts();
        }
    }

    /// <returns>the fitted field, null with a note when the column cannot tell rows apart</returns>
    public (FeatureField? Field, string? Note) Fit()
    {
        var (values, counts) = _sample?.Histogram() ?? Histogram();
        var numeric = _forced is { } kind ? kind == FieldKind.Numeric : values.Length > _options.NumericAbove && MostlyNumbers();
        var field = numeric
            ? FeatureField.Numeric(Name, QuantileBins.Cut(values, counts, _options.Bins, _options.MinimumCount))
            : FeatureField.Categorical(Name, Vocabulary());
        return IsConstant(field) ? (null, ConstantNote(field)) : (field, numeric && _texts > 0 ? StrayTextNote() : null);
    }

    private static (WordKind Kind, double Number) Classify(ReadOnlySpan<byte> value)
    {
        if (NumberText.TryParse(value, out var number))
        {
            return (WordKind.Number, number);
        }

        return (NumberText.IsMissing(value) ? WordKind.Missing : WordKind.Text, double.NaN);
    }

    private void Count(WordKind kind, ReadOnlySpan<byte> value, long line)
    {
        _missing += kind == WordKind.Missing ? 1 : 0;
        _numbers += kind == WordKind.Number ? 1 : 0;
        if (kind == WordKind.Text && _texts++ == 0)
        {
            _firstText = (line, Encoding.UTF8.GetString(value[..Math.Min(value.Length, 60)]));
            if (_forced == FieldKind.Numeric)
            {
                throw new ImportProblem(line, Name, ImportCode.BadNumber,
                    $"'{_firstText.Text}' is not a number; correct it, leave it empty, or take the column out of --numeric.").AsException(_source);
            }
        }
    }

    private bool MostlyNumbers() => _texts <= StrayTextShare * (_texts + _numbers);

    private void ForgetTexts()
    {
        if (_forced != FieldKind.Categorical && MostlyNumbers())
        {
            _sample = new NumberSample();
            foreach (var category in _categories.Values.Where(category => category.Kind == WordKind.Number))
            {
                for (long row = 0; row < category.Count; row++)
                {
                    _sample.Add(category.Number);
                }
            }

            _categories.Clear();
        }
        else if (_categories.Count > _options.MaximumCategories)
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"{_source}: column '{Name}' has more than {_options.MaximumCategories:N0} different values; it looks like an identifier, leave it out with --ignore."));
        }
    }

    private (double[] Values, long[] Counts) Histogram()
    {
        var numbers = new SortedDictionary<double, long>();
        foreach (var category in _categories.Values.Where(category => category.Kind == WordKind.Number))
        {
            numbers[category.Number] = numbers.GetValueOrDefault(category.Number) + category.Count;
        }

        return ([.. numbers.Keys], [.. numbers.Values]);
    }

    /// <summary>Frequent categories in ordinal order; where all values are numbers, "1", "1.0" and "01" are one.</summary>
    private List<string> Vocabulary()
    {
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        Span<byte> buffer = stackalloc byte[32];
        foreach (var (text, category) in _categories)
        {
            if (text.Length > 0 && (_texts > 0 || category.Kind == WordKind.Number))
            {
                var word = Encoding.UTF8.GetString(_texts > 0 ? text : NumberText.Format(category.Number, buffer));
                counts[word] = counts.GetValueOrDefault(word) + category.Count;
            }
        }

        return [.. counts.Where(word => word.Value >= _options.MinimumCount).Select(word => word.Key)];
    }

    private bool IsConstant(FeatureField field) => field.Kind == FieldKind.Categorical
        ? field.Vocabulary.Count == 0 || (field.Vocabulary.Count == 1 && _categories.Count == 1)
        : _numbers == 0 || (field.Edges.Count == 0 && _missing + _texts == 0);

    private string ConstantNote(FeatureField field) => field.Vocabulary.Count == 0 && _categories.Count > 1
        ? string.Create(CultureInfo.InvariantCulture,
            $"Column '{Name}' is not used: none of its {_categories.Count:N0} different values occurs in {_options.MinimumCount:N0} training rows.")
        : $"Column '{Name}' is not used: it has the same value in all training rows.";

    private string StrayTextNote() => string.Create(CultureInfo.InvariantCulture,
        $"Column '{Name}' is read as numbers: {_texts:N0} training rows hold something else (line {_firstText.Line}: '{_firstText.Text}') and count as missing.");
}
