using System.Globalization;

namespace Pimm.Core.Networks;

/// <summary>
/// The settings of a network as written by a person (<c>--set key=value</c>) and as stored with a trained model.
/// Keys are camelCase and compared without regard to case; every key read is remembered, so that a key nobody read is refused.
/// </summary>
public sealed class NetworkSettings
{
    private readonly string kind;
    private readonly Dictionary<string, string> given;
    private readonly SortedDictionary<string, string> effective = new(StringComparer.Ordinal);

    public NetworkSettings(string kind, IReadOnlyDictionary<string, string> given)
    {
        this.kind = kind;
        this.given = new Dictionary<string, string>(given, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Every key read so far with the value in force, the defaults included: what is logged with a run.</summary>
    public IReadOnlyDictionary<string, string> Effective => effective;

    public int Integer(string key, int fallback, int least, int most)
    {
        var text = Text(key, fallback.ToString(CultureInfo.InvariantCulture));
        return int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most
            ? value
            : throw Refused(key, text, $"a whole number from {least} to {most}");
    }

    public double Number(string key, double fallback, double least, double most)
    {
        var text = Text(key, fallback.ToString("R", CultureInfo.InvariantCulture));
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most
            ? value
            : throw Refused(key, text, FormattableString.Invariant($"a number from {least} to {most}"));
    }

    public bool Switch(string key, bool fallback)
    {
        var text = Text(key, fallback ? "true" : "false");
        return bool.TryParse(text, out var value) ? value : throw Refused(key, text, "true or false");
    }

    public TEnum Choice<TEnum>(string key, TEnum fallback) where TEnum : struct, Enum
    {
        var names = Enum.GetNames<TEnum>().Select(Camel).ToArray();
        var text = Text(key, Camel(fallback.ToString()));
        var index = Array.FindIndex(names, name => name.Equals(text, StringComparison.OrdinalIgnoreCase));
        return index >= 0 ? Enum.GetValues<TEnum>()[index] : throw Refused(key, text, string.Join(" | ", names));
    }

    /// <summary>Numbers joined by commas; an empty text or <c>none</c> is the empty list.</summary>
    public IReadOnlyList<double> Numbers(string key, IReadOnlyList<double> fallback, double least, double most)
    {
        var text = Text(key, Join(fallback));
        var values = new List<double>();
        foreach (var part in text is "" or "none" ? [] : text.Split(',', StringSplitOptions.TrimEntries))
        {
            values.Add(double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most
                ? value
                : throw Refused(key, text, FormattableString.Invariant($"numbers from {least} to {most} joined by commas")));
        }

        return values;
    }

    /// <summary>Whole numbers joined by commas, widths of layers for instance.</summary>
    public IReadOnlyList<int> Integers(string key, IReadOnlyList<int> fallback, int least, int most)
    {
        var numbers = Numbers(key, [.. fallback.Select(width => (double)width)], least, most);
        return numbers.All(double.IsInteger)
            ? [.. numbers.Select(number => (int)number)]
            : throw Refused(key, effective[key], $"whole numbers from {least} to {most} joined by commas");
    }

    /// <exception cref="InputException">A key was given that this kind of network does not have.</exception>
    public void RefuseUnread()
    {
        foreach (var key in given.Keys)
        {
            if (!effective.Keys.Contains(key, StringComparer.OrdinalIgnoreCase))
            {
                throw new InputException($"The setting '{key}' is unknown to the model '{kind}'; it knows {string.Join(", ", effective.Keys)}.");
            }
        }
    }

    private string Text(string key, string fallback)
    {
        var text = given.TryGetValue(key, out var value) ? value.Trim() : fallback;
        effective[key] = text;
        return text;
    }

    private InputException Refused(string key, string text, string wanted) =>
        new($"The setting {key}={text} of the model '{kind}' cannot be used; it must be {wanted}.");

    private static string Join(IReadOnlyList<double> values) =>
        values.Count == 0 ? "none" : string.Join(",", values.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));

    private static string Camel(string name) => char.ToLowerInvariant(name[0]) + name[1..];
}
