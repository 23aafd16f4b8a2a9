using System.Text.Json;
using Pimm.Core;
using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>A JSON object read field by field; what cannot be used is refused with the field, its value and the bound.</summary>
public sealed class StatsInput
{
    public const string ConfidenceField = "confidence";
    public const string AlternativeField = "alternative";

    private readonly JsonElement element;
    private readonly string path;

    private StatsInput(JsonElement element, string path)
    {
        this.element = element;
        this.path = path;
    }

    public static StatsInput Parse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text.TrimStart('\uFEFF'));
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new StatsInput(document.RootElement.Clone(), "")
                : throw new InputException($"The input is {Kind(document.RootElement)}, not a JSON object; give one object such as --help shows.");
        }
        catch (JsonException e)
        {
            throw new InputException(string.IsNullOrWhiteSpace(text)
                ? "The input is empty; give one JSON object on standard input, such as --help shows."
                : $"The input is not valid JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}); give one JSON object, without NaN and comments.", e);
        }
    }

    /// <summary>Refuses a field that the function does not have, one that no function reads inside an object, and one given twice.</summary>
    public void CheckNames(StatsFunction function)
    {
        foreach (var field in element.EnumerateObject())
            if (!function.Allowed.Contains(field.Name, StringComparer.Ordinal))
                throw new InputException($"{function.Name} has no field {field.Name}; it has {string.Join(", ", function.Allowed)}.");
        CheckInside(element, path, function.Inside);
    }

    public bool Has(string name) => element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    /// <summary>The field's place in the whole input, for messages: control.n.</summary>
    public string Where(string name) => path.Length == 0 ? name : $"{path}.{name}";

    public double Number(string name) => Finite(Required(name), Where(name));

    public double? OptionalNumber(string name) => Has(name) ? Number(name) : null;

    public double Number(string name, double fallback) => OptionalNumber(name) ?? fallback;

    /// <summary>A count: a whole number from the smallest allowed to 2^53.</summary>
    public long Whole(string name, long smallest = 0) => Count(Required(name), Where(name), smallest);

    public long? OptionalWhole(string name, long smallest = 0) => Has(name) ? Whole(name, smallest) : null;

    public bool Flag(string name, bool fallback) => !Has(name) ? fallback : Required(name).ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw new InputException($"{Where(name)} is {Kind(Required(name))}; give true or false."),
    };

    /// <summary>One of a few words; the first is the one taken where the field is absent.</summary>
    public string Choice(string name, params IReadOnlyList<string> allowed)
    {
        if (!Has(name))
            return allowed[0];
        var value = Required(name);
        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        return allowed.Contains(text, StringComparer.Ordinal)
            ? text
            : throw new InputException($"{Where(name)} is \"{text}\"; give one of: {string.Join(", ", allowed)}.");
    }

    public StatsInput Object(string name) => Object(Required(name), Where(name));

    public IReadOnlyList<StatsInput> Objects(string name) => Items(name, Object);

    public double[] Numbers(string name) => Items(name, Finite);

    public long[] Counts(string name) => Items(name, (value, where) => Count(value, where, 0));

    public double[][] Rows(string name) => Items(name, (row, where) => Items(row, where, Finite));

    public long[][] CountRows(string name) => Items(name, (row, where) => Items(row, where, (value, at) => Count(value, at, 0)));

    public ConfidenceLevel Level => new(Number(ConfidenceField, 0.95), Choice(AlternativeField, "two-sided", "greater", "less") switch
    {
        "greater" => Alternative.Greater,
        "less" => Alternative.Less,
        _ => Alternative.TwoSided,
    });

    /// <summary>Says in front of a refusal which part of the input it is about.</summary>
    public T Checked<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InputException e) when (path.Length > 0)
        {
            throw new InputException($"{path}: {e.Message}", e);
        }
    }

    private T[] Items<T>(string name, Func<JsonElement, string, T> read) => Items(Required(name), Where(name), read);

    private static T[] Items<T>(JsonElement array, string where, Func<JsonElement, string, T> read) => array.ValueKind == JsonValueKind.Array
        ? [.. array.EnumerateArray().Select((item, i) => read(item, $"{where}[{i}]"))]
        : throw new InputException($"{where} is {Kind(array)}; give an array.");

    private static StatsInput Object(JsonElement value, string where) => value.ValueKind == JsonValueKind.Object
        ? new StatsInput(value, where)
        : throw new InputException($"{where} is {Kind(value)}; give an object.");

    private JsonElement Required(string name) => element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
        ? value
        : throw new InputException($"{Where(name)} is missing; see --help for a sample.");

    private static double Finite(JsonElement value, string where) =>
        value.ValueKind != JsonValueKind.Number ? throw new InputException($"{where} is {Kind(value)}; give a number.")
        : value.GetDouble() is var number && double.IsFinite(number) ? number
        : throw new InputException($"{where} is {value.GetRawText()}, more than a double can hold; give a finite number.");

    private static long Count(JsonElement value, string where, long smallest)
    {
        const double largest = 9007199254740992;
        var number = Finite(value, where);
        return number >= smallest && number <= largest && Math.Floor(number) == number
            ? (long)number
            : throw new InputException($"{where} is {value.GetRawText()}; give a whole number from {smallest} to 2^53.");
    }

    private static void CheckInside(JsonElement value, string where, IReadOnlyList<string> read)
    {
        if (value.ValueKind == JsonValueKind.Array)
            foreach (var item in value.EnumerateArray())
                CheckInside(item, where, read);
        if (value.ValueKind != JsonValueKind.Object)
            return;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var field in value.EnumerateObject())
        {
            var name = where.Length == 0 ? field.Name : $"{where}.{field.Name}";
            if (!seen.Add(field.Name))
                throw new InputException($"{name} is given twice; give it once.");
            if (where.Length > 0 && !StatsCatalogue.Vocabulary.Contains(field.Name))
                throw new InputException($"There is no field {name}; {(read.Count > 0 ? $"inside it may be {string.Join(", ", read)}" : "the function takes no object")}.");
            CheckInside(field.Value, name, read);
        }
    }

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => "an array",
        JsonValueKind.Object => "an object",
        JsonValueKind.Number => $"the number {value.GetRawText()}",
        JsonValueKind.String => $"the text \"{value.GetString()}\"",
        _ => value.GetRawText(),
    };
}
