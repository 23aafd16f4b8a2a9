using System.Globalization;
using Dapper;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;

namespace Pimm.Core.Scoring;

/// <summary>
/// A campaign's filter as a SQL condition over the audience's typed table: names come from the audience's own columns, values are
/// parameters. Membership is a function of the definition and of one version of the audience, nothing else.
/// </summary>
public sealed class AudienceFilter
{
    private readonly List<string> _conditions = [];
    private readonly Dictionary<string, object> _values = [];

    /// <exception cref="InputException">an attribute that the audience does not have, or a value that is none of its kind</exception>
    public AudienceFilter(IReadOnlyList<FilterCondition> conditions, Audience audience)
    {
        FilterCondition.Check(conditions);
        foreach (var condition in conditions)
        {
            var column = audience.Attributes.FirstOrDefault(attribute => attribute.Name == condition.Attribute) ?? throw new InputException(
                $"\"{condition.Attribute}\" is no attribute of the audience \"{audience.Name}\": filter by {string.Join(", ", audience.Attributes.Select(attribute => attribute.Name))}.");
            _conditions.Add(ConditionOf(condition, column));
        }
    }

    /// <summary>Whether the campaign's filter can be applied to the audience, and may be.</summary>
    /// <exception cref="InputException">as the constructor; or a protected attribute, or a proxy of one, is filtered by without a reason</exception>
    public static void Check(Campaign campaign, Audience audience)
    {
        _ = new AudienceFilter(campaign.FilterList(), audience);
        if (campaign.FilterReason is null && Sensitive(campaign.FilterList(), audience) is [var first, ..])
        {
            throw new InputException(
                $"\"{first.Name}\" is {(first.IsProtected ? "a protected attribute" : "an attribute that tells a protected one")}: a campaign is not filtered by it without a reason. Give filterReason, which whoever approves reads, or take the condition out.");
        }
    }

    /// <summary>The attributes among the conditions' that are protected, or tell one that is.</summary>
    public static IReadOnlyList<AudienceColumn> Sensitive(IReadOnlyList<FilterCondition> conditions, Audience audience) =>
        [.. audience.Attributes.Where(attribute => attribute.Role is "protected" or "proxy" && conditions.Any(condition => condition.Attribute == attribute.Name))];

    /// <summary>SQL that is true or false, never null, of a row named c of the audience's table of customers.</summary>
    public string Sql => _conditions.Count == 0 ? "true" : string.Join(" and ", _conditions.Select(condition => $"({condition})"));

    /// <param name="more">further parameters of the statement</param>
    public DynamicParameters Parameters(object more)
    {
        var parameters = new DynamicParameters(more);
        foreach (var (name, value) in _values)
        {
            parameters.Add(name, value);
        }
        return parameters;
    }

    private string ConditionOf(FilterCondition condition, AudienceColumn column)
    {
        var name = $"c.\"{column.Name}\"";
        if (condition.Operator is FilterCondition.Missing or FilterCondition.NotMissing)
        {
            return condition.Operator == FilterCondition.Missing ? $"{name} is null" : $"{name} is not null";
        }
        if (!column.IsNumber && !FilterCondition.OperatorsOfText.Contains(condition.Operator))
        {
            throw new InputException($"\"{column.Name}\" holds texts, which have no order: filter it by {string.Join(", ", FilterCondition.OperatorsOfText)} instead of {condition.Operator}.");
        }
        object[] values = column.IsNumber ? [.. condition.Given.Select(value => (object)Number(column.Name, value))] : [.. condition.Given];
        return condition.Operator switch
        {
            FilterCondition.Is => $"coalesce({name} = {Parameter(values[0])}, false)",
            FilterCondition.IsNot => $"{name} is distinct from {Parameter(values[0])}",
            FilterCondition.OneOf => $"coalesce({name} = any({Parameter(column.IsNumber ? values.Cast<double>().ToArray() : values.Cast<string>().ToArray())}), false)",
            FilterCondition.AtLeast => $"coalesce({name} >= {Parameter(values[0])}, false)",
            FilterCondition.AtMost => $"coalesce({name} <= {Parameter(values[0])}, false)",
            _ => $"coalesce({name} between {Parameter(Ordered(column.Name, (double)values[0], (double)values[1]))} and {Parameter(values[1])}, false)",
        };
    }

    private string Parameter(object value)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"filter{_values.Count}");
        _values[name] = value;
        return "@" + name;
    }

    private static double Number(string attribute, string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? number : throw new InputException($"\"{text}\" is no number, and \"{attribute}\" holds numbers: write it as 30 or 2.5.");

    private static double Ordered(string attribute, double lower, double upper) => lower <= upper
        ? lower : throw new InputException(string.Create(CultureInfo.InvariantCulture, $"The filter on \"{attribute}\" is between {lower} and {upper}, which nobody is: give the smaller number first."));
}
