using System.Globalization;
using System.Text;

namespace Pimm.Core.Importing;

/// <summary>The header of a file: unique names, and the way from a name to its place.</summary>
public sealed class ColumnNames
{
    /// <summary>More columns than this are refused: a training file holds attributes, not one column a product.</summary>
    public const int Maximum = 1024;

    private const int LongestShown = 60;

    private readonly string _source;
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);

    /// <param name="names">in file order; an empty name becomes "column N"</param>
    /// <param name="source">the file's name, for the sentences</param>
    /// <exception cref="InputException">more than <see cref="Maximum"/> columns, or a name twice</exception>
    public ColumnNames(IReadOnlyList<string> names, string source)
    {
        _source = source;
        if (names.Count > Maximum)
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"{source} has {names.Count:N0} columns: at most 1,024 columns are allowed, so leave out those that are not needed.")) { Code = ImportCode.TooManyColumns };
        }

        var named = new string[names.Count];
        for (var place = 0; place < named.Length; place++)
        {
            var name = names[place].Trim();
            named[place] = name.Length > 0 ? name : string.Create(CultureInfo.InvariantCulture, $"column {place + 1}");
            if (!_places.TryAdd(named[place], place))
            {
                throw new InputException(string.Create(CultureInfo.InvariantCulture,
                    $"{source}, line 1: {(LooksLikeData(names) ? "the first line looks like data: add a line with the columns' names above it. A column" : $"column '{Shown(named[place])}'")} appears twice, as column {_places[named[place]] + 1} and {place + 1}; rename or remove one of them.")) { Code = ImportCode.DuplicateColumn };
            }
        }

        All = named;
    }

    public IReadOnlyList<string> All { get; }

    public bool Contains(string name) => _places.ContainsKey(name);

    /// <returns>the place of a column, from 0</returns>
    /// <exception cref="InputException">no such column; the sentence offers the nearest name</exception>
    public int PlaceOf(string name)
    {
        if (_places.TryGetValue(name, out var place))
        {
            return place;
        }

        if (LooksLikeData(All))
        {
            throw new InputException($"{_source} has no column '{name}', and its first line looks like data: add a line with the columns' names above it.") { Code = ImportCode.MissingColumn };
        }
        var nearest = NearestTo(name);
        throw new InputException(nearest is not null
            ? $"{_source} has no column '{name}'; did you mean '{Shown(nearest)}'?"
            : $"{_source} has no column '{name}'; its columns are {Listed(All)}.") { Code = ImportCode.MissingColumn };
    }

    /// <summary>A value for a name: the file has no header, or none that anybody would write.</summary>
    public bool LookLikeData => LooksLikeData(All);

    // A file without a header has a person for one.
    private static bool LooksLikeData(IEnumerable<string> names) => names.Any(name =>
        name.Contains('@', StringComparison.Ordinal) || (name.Any(char.IsAsciiDigit) && !name.Any(char.IsLetter)) || InstantText.TryParse(Encoding.UTF8.GetBytes(name.Trim()), out _));

    private static string Shown(string name) => name.Length <= LongestShown ? name : string.Concat(name.AsSpan(0, LongestShown), "…");

    private string? NearestTo(string name)
    {
        var best = Math.Max(2, name.Length / 3) + 1;
        string? nearest = null;
        foreach (var candidate in All)
        {
            var distance = EditDistance(name.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (distance < best && distance < Math.Max(name.Length, candidate.Length))
            {
                (best, nearest) = (distance, candidate);
            }
        }

        return nearest;
    }

    /// <summary>The first names, for a sentence; those of a file without a header are not told.</summary>
    public string Listed() => LooksLikeData(All) ? "not named: the first line looks like data" : Listed(All);

    private static string Listed(IReadOnlyList<string> names)
    {
        const int shown = 12;
        var first = string.Join(", ", names.Take(shown).Select(Shown));
        return names.Count <= shown
            ? first
            : string.Create(CultureInfo.InvariantCulture, $"{first} and {names.Count - shown:N0} more");
    }

    /// <summary>Levenshtein distance in characters.</summary>
    private static int EditDistance(string left, string right)
    {
        var row = new int[right.Length + 1];
        for (var j = 0; j < row.Length; j++)
        {
            row[j] = j;
        }

        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var substituted = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
