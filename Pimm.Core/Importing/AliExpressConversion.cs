using System.Buffers.Text;
using System.Globalization;

namespace Pimm.Core.Importing;

/// <summary>Which raw files of AliExpress search to convert, and to what.</summary>
public sealed record AliExpressOptions
{
    /// <summary>{country}_user_{train|test}.csv, plain or gzip: 33 columns, one row a result page, the first is the search id.</summary>
    public required string User { get; init; }

    /// <summary>{country}_item_{train|test}.csv, plain or gzip: 49 columns, the first is the search id, the last 0 seen, 1 clicked, 2 bought.</summary>
    public required string Item { get; init; }

    /// <summary>The CSV to write, gzip when it ends in .gz: click,conversion, 16 categorical and 63 numerical columns.</summary>
    public required string Output { get; init; }

    /// <exception cref="InputException">a folder that is not there, or a file named twice</exception>
    public void Validate() => ConvertedFiles.Check([User, Item], [Output]);
}

/// <summary>What a conversion of AliExpress read and wrote.</summary>
/// <param name="Rows">written</param>
/// <param name="Unmatched">rows of the item file whose search id is not in the user file, left out</param>
/// <param name="Pages">rows of the user file</param>
/// <param name="Seconds">of the whole conversion</param>
/// <param name="RowsPerSecond">raw rows of both files by the whole time</param>
public sealed record AliExpressSummary(long Rows, long Unmatched, long Pages, double Seconds, double RowsPerSecond);

/// <summary>
/// Joins AliExpress' item rows with the page they were shown on, in the item file's order whatever the user file's. Columns are
/// named after file and place: user_2 … user_33, item_2 … item_48, those that MTReclib takes as categorical first.
/// </summary>
/// <remarks>The user file is held in memory as text; the item file is streamed.</remarks>
public sealed class AliExpressConversion
{
    private static readonly string[] UserShape = ["search_id", .. Enumerable.Range(2, 32).Select(place => Name("user", place))];
    private static readonly string[] ItemShape = ["search_id", .. Enumerable.Range(2, 47).Select(place => Name("item", place)), "label"];

    // Places from 0, so one less than in the names.
    private static readonly int[] UserCategorical = [1, 2, 3, 4, 5, 6, 7, 31, 32];
    private static readonly int[] UserNumerical = [.. Enumerable.Range(8, 23)];
    private static readonly int[] UserPlaces = [.. UserCategorical, .. UserNumerical];
    private static readonly int[] ItemCategorical = [18, 33, 34, 35, 39, 40, 41];
    private static readonly int[] ItemNumerical = [.. Enumerable.Range(1, 47).Except(ItemCategorical)];

    private readonly AliExpressOptions _options;
    private readonly ConversionPace _pace;
    private readonly RowKeys _searches = new();
    private readonly List<byte[]> _pages = [];

    private AliExpressConversion(AliExpressOptions options, ConversionPace pace) => (_options, _pace) = (options, pace);

    /// <summary>The 16 columns that are categories, for <c>pimm train --categorical</c>.</summary>
    public static IReadOnlyList<string> CategoricalColumns { get; } = [.. UserCategorical.Select(place => UserShape[place]), .. ItemCategorical.Select(place => ItemShape[place])];

    /// <summary>The 63 columns that are measured numbers.</summary>
    public static IReadOnlyList<string> NumericalColumns { get; } = [.. UserNumerical.Select(place => UserShape[place]), .. ItemNumerical.Select(place => ItemShape[place])];

    /// <param name="options">the files</param>
    /// <param name="clock">for the rows a second</param>
    /// <param name="progress">called now and then</param>
    /// <param name="cancellation">ends it; nothing is left behind</param>
    /// <exception cref="InputException">options or rows that cannot be used, or no row with a page</exception>
    public static AliExpressSummary Run(AliExpressOptions options, TimeProvider clock, Action<ConversionProgress> progress, CancellationToken cancellation = default)
    {
        options.Validate();
        return new AliExpressConversion(options, new ConversionPace(clock, progress, cancellation)).Run();
    }

    private AliExpressSummary Run()
    {
        ReadPages();
        _pace.Begin("items");
        using var items = new RawRows(_options.Item, ItemShape);
        using var writer = Begin();
        var unmatched = 0L;
        while (items.Read())
        {
            CheckNumbers(items, ItemShape.Length - 1);
            var label = Label(items);
            var page = _searches.Find(items[0]);
            if (page >= 0)
            {
                Write(writer, label, _pages[page], items);
            }
            else
            {
                unmatched++;
            }

            _pace.Report(items);
        }

        if (unmatched == items.Rows)
        {
            throw new InputException($"No search id of {items.Source} is in {Path.GetFileName(_options.User)}; give the two files of the same country and part.");
        }

        writer.Complete();
        var seconds = _pace.Seconds;
        return new AliExpressSummary(items.Rows - unmatched, unmatched, _pages.Count, seconds, (items.Rows + _pages.Count) / seconds);
    }

    private void ReadPages()
    {
        _pace.Begin("users");
        using var users = new RawRows(_options.User, UserShape);
        while (users.Read())
        {
            CheckNumbers(users, UserShape.Length);
            if (_searches.Add(users[0]).Known)
            {
                throw users.Refused($"search id '{RawRows.Shown(users[0])}' has a row already");
            }

            _pages.Add(TextOf(users));
            _pace.Report(users);
        }
    }

    /// <summary>The page's categorical, then its numerical values, each behind a comma; numbers hold none.</summary>
    private static byte[] TextOf(RawRows users)
    {
        var length = 0;
        foreach (var place in UserPlaces)
        {
            length += users[place].Length + 1;
        }

        var text = new byte[length];
        var at = 0;
        foreach (var place in UserPlaces)
        {
            users[place].CopyTo(text.AsSpan(at));
            at += users[place].Length;
            text[at++] = (byte)',';
        }

        return text;
    }

    private DelimitedWriter Begin()
    {
        var writer = new DelimitedWriter(_options.Output);
        foreach (var column in (IEnumerable<string>)["click", "conversion", .. CategoricalColumns, .. NumericalColumns])
        {
            writer.Write(column);
        }

        writer.EndRow();
        return writer;
    }

    private static void Write(DelimitedWriter writer, int label, ReadOnlySpan<byte> page, RawRows items)
    {
        writer.Write(label >= 1);
        writer.Write(label == 2);
        page = WriteFirst(writer, page, UserCategorical.Length);
        WritePlaces(writer, items, ItemCategorical);
        WriteFirst(writer, page, UserNumerical.Length);
        WritePlaces(writer, items, ItemNumerical);
        writer.EndRow();
    }

    private static ReadOnlySpan<byte> WriteFirst(DelimitedWriter writer, ReadOnlySpan<byte> page, int count)
    {
        for (; count > 0; count--)
        {
            var length = page.IndexOf((byte)',');
            writer.Write(page[..length]);
            page = page[(length + 1)..];
        }

        return page;
    }

    private static void WritePlaces(DelimitedWriter writer, RawRows items, int[] places)
    {
        foreach (var place in places)
        {
            writer.Write(items[place]);
        }
    }

    private static void CheckNumbers(RawRows row, int columns)
    {
        if (row[0].IsEmpty)
        {
            throw row.Refused(0, "a search id");
        }

        for (var place = 1; place < columns; place++)
        {
            var field = row[place];
            if (!field.IsEmpty && !(Utf8Parser.TryParse(field, out double _, out var parsed) && parsed == field.Length))
            {
                throw row.Refused(place, "a number or empty");
            }
        }
    }

    private static int Label(RawRows items)
    {
        var field = items[ItemShape.Length - 1];
        return Utf8Parser.TryParse(field, out double label, out var parsed) && parsed == field.Length && label is 0 or 1 or 2
            ? (int)label
            : throw items.Refused(ItemShape.Length - 1, "0, 1 or 2");
    }

    private static string Name(string file, int place) => string.Create(CultureInfo.InvariantCulture, $"{file}_{place}");
}
