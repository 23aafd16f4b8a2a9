using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pimm.Core.Campaigns;

/// <summary>What a customer's attribute must be for the customer to be eligible.</summary>
/// <param name="Attribute">name of a column of the audience</param>
/// <param name="Operator">
/// "is", "is-not" (a missing value is kept: it is not the value), "one-of", "at-least", "at-most", "between" (both ends included;
/// these three of number attributes alone), "missing" or "not-missing"
/// </param>
/// <param name="Values">one of is, is-not, at-least and at-most, two of between, 1 to 200 of one-of, none else; numbers as texts with a point</param>
public sealed record FilterCondition(string Attribute, string Operator, string[]? Values = null)
{
    public const string Is = "is";
    public const string IsNot = "is-not";
    public const string OneOf = "one-of";
    public const string AtLeast = "at-least";
    public const string AtMost = "at-most";
    public const string Between = "between";
    public const string Missing = "missing";
    public const string NotMissing = "not-missing";

    /// <summary>The most conditions of one campaign.</summary>
    public const int Most = 20;

    /// <summary>The most values of one condition.</summary>
    public const int MostValues = 200;

    private const int LongestValue = 500;

    /// <summary>Of text attributes; number attributes have all.</summary>
    public static IReadOnlyList<string> OperatorsOfText { get; } = [Is, IsNot, OneOf, Missing, NotMissing];

    public static IReadOnlyList<string> Operators { get; } = [Is, IsNot, OneOf, AtLeast, AtMost, Between, Missing, NotMissing];

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    [JsonIgnore]
    public IReadOnlyList<string> Given => Values ?? [];

    /// <exception cref="InputException">the text is no list of conditions</exception>
    public static IReadOnlyList<FilterCondition> Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<FilterCondition[]>(json, Format) ?? [];
        }
        catch (JsonException damage)
        {
            throw new InputException("The filter is no list of {\"attribute\", \"operator\", \"values\"}: write for example [{\"attribute\": \"age\", \"operator\": \"at-least\", \"values\": [\"30\"]}].", damage);
        }
    }

    public static string ToJson(IReadOnlyList<FilterCondition> conditions) => JsonSerializer.Serialize(conditions, Format);

    /// <summary>Checks the form alone; whether the audience has the attribute, and whether it is a number, is not known here.</summary>
    /// <exception cref="InputException">too many conditions or values, an unknown operator, or values that do not go with it</exception>
    public static void Check(IReadOnlyList<FilterCondition> conditions)
    {
        Refuse(conditions.Count > Most, $"The filter has {conditions.Count} conditions: give at most {Most}.");
        foreach (var condition in conditions)
        {
            Refuse(condition is null, "A condition of the filter is null: give {\"attribute\", \"operator\", \"values\"}, or leave it out.");
            condition!.Check();
        }
    }

    private void Check()
    {
        Refuse(string.IsNullOrWhiteSpace(Attribute), "A condition of the filter names no attribute: choose one of the audience's.");
        Refuse(!Operators.Contains(Operator), $"The operator \"{Operator}\" of the filter on \"{Attribute}\" is unknown: choose {string.Join(", ", Operators.SkipLast(1))} or {Operators[^1]}.");
        var (least, most) = Operator switch { Missing or NotMissing => (0, 0), Between => (2, 2), OneOf => (1, MostValues), _ => (1, 1) };
        Refuse(Given.Count < least || Given.Count > most,
            $"The filter \"{Attribute} {Operator}\" has {Given.Count} values: give {(least == most ? $"{least}" : $"{least} to {most}")}.");
        var wrong = Given.FirstOrDefault(value => string.IsNullOrWhiteSpace(value) || value.Length > LongestValue || value.Contains('\0', StringComparison.Ordinal));
        Refuse(Given.Any(value => value is null) || wrong is not null, $"A value of the filter \"{Attribute} {Operator}\" is empty or too long: give 1 to {LongestValue} characters, or use \"{Missing}\".");
    }

    /// <summary>The condition as a person reads it.</summary>
    public override string ToString() => Given.Count == 0 ? $"{Attribute} {Operator}" : string.Create(CultureInfo.InvariantCulture, $"{Attribute} {Operator} {string.Join(Operator == Between ? " and " : ", ", Given)}");

    private static void Refuse(bool holds, string sentence)
    {
        if (holds)
        {
            throw new InputException(sentence);
        }
    }
}
