using System.Text.Json;
using System.Text.Json.Serialization;
using Pimm.Core.Campaigns;
using Pimm.Core.Scoring;
using Pimm.Core.Statistics;

namespace Pimm.Core.Allocating;

/// <summary>How alike the arms are in one attribute, or in one level of a text attribute.</summary>
/// <param name="Name">a score or an attribute</param>
/// <param name="Level">the text, or "(missing)"; null for the values of a score or a number attribute</param>
/// <param name="Share">share of all eligible customers at this level; null without a level</param>
/// <param name="Before">standardised difference, treatment − control, under a plain hash; null where nothing varies</param>
/// <param name="After">the same in the split that was chosen</param>
public sealed record AttributeBalance(string Name, string? Level, double? Share, double? Before, double? After);

/// <summary>
/// How alike the arms are, before and after a split was chosen among candidates. "Before" is the first candidate, what a plain
/// hash gives. There is no p value: after a choice for balance it would be too good by construction.
/// </summary>
/// <param name="ControlScore">standardised difference of the control model's score</param>
/// <param name="Imbalance">Mahalanobis imbalance of the covariates in the split; null where none varies</param>
/// <param name="ImbalanceBefore">the same under a plain hash</param>
/// <param name="Covariates">what was balanced on</param>
/// <param name="Attributes">both scores, then the audience's attributes in its order; empty in splits that are older than it</param>
public sealed record SplitBalance(
    double? ControlScore, double? TreatmentScore, double? Imbalance, double? ImbalanceBefore = null,
    IReadOnlyList<string>? Covariates = null, IReadOnlyList<AttributeBalance>? Attributes = null)
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public string ToJson() => JsonSerializer.Serialize(this, Format);

    public static SplitBalance FromJson(string json) => JsonSerializer.Deserialize<SplitBalance>(json, Format)!;

    /// <summary>The balance of both scores alone.</summary>
    public static SplitBalance OfScores(IReadOnlyList<string> covariates, IReadOnlyList<CustomerScore> scores, IReadOnlyList<Arm> before, SplitResult split)
    {
        double[][] columns = [[.. scores.Select(s => (double)s.Control)], [.. scores.Select(s => (double)s.Treatment)]];
        var (earlier, later) = (Differences(columns, before), Differences(columns, split.Arms));
        string[] names = [Campaign.ControlScore, Campaign.TreatmentScore];
        return new SplitBalance(
            later[0], later[1], split.Imbalance, null, covariates,
            [.. names.Select((name, i) => new AttributeBalance(name, null, null, earlier[i], later[i]))]);
    }

    private static IReadOnlyList<double?> Differences(double[][] columns, IReadOnlyList<Arm> arms) =>
        Balance.Of(columns, arms.Select(arm => arm == Arm.Treatment).ToArray()).StandardisedDifferences;
}
