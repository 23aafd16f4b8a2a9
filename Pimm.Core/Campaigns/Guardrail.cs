using System.Globalization;
using System.Text.Json;

namespace Pimm.Core.Campaigns;

/// <summary>A number that the treatment must not make worse by more than its margin before it may be shipped (non-inferiority).</summary>
/// <param name="Metric">
/// "amount" (per eligible customer), "deliveryRate" (delivered of exported), "coreConversion" (by any route, of the eligible), or
/// the name of a stage of the audience's funnel (of exported)
/// </param>
/// <param name="Margin">the largest relative change for the worse that is accepted, above 0 and below 1: 0.05 is 5 %</param>
/// <param name="Direction">"higher-is-better": a fall is worse; "lower-is-better": a rise is, for instance of a stage "unsubscribe"</param>
public sealed record Guardrail(string Metric, double Margin, string Direction = Guardrail.HigherIsBetter)
{
    public const string HigherIsBetter = "higher-is-better";
    public const string LowerIsBetter = "lower-is-better";
    public const string Amount = "amount";
    public const string DeliveryRate = "deliveryRate";
    public const string CoreConversion = "coreConversion";

    /// <summary>The most that one campaign may have.</summary>
    public const int Most = 10;

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web);

    /// <exception cref="InputException">the text is no list of guardrails</exception>
    public static IReadOnlyList<Guardrail> Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<Guardrail[]>(json, Format) ?? [];
        }
        catch (JsonException damage)
        {
            throw new InputException("The guardrails are no list of {\"metric\", \"margin\"}: write for example [{\"metric\": \"amount\", \"margin\": 0.05}].", damage);
        }
    }

    public static string ToJson(IReadOnlyList<Guardrail> guardrails) => JsonSerializer.Serialize(guardrails, Format);

    /// <param name="funnel">the audience's funnel; null where only the form can be checked</param>
    /// <exception cref="InputException">too many, a margin outside its range, a metric twice or one that nobody counts</exception>
    public static void Check(IReadOnlyList<Guardrail> guardrails, IReadOnlyList<string>? funnel = null)
    {
        if (guardrails.Count > Most)
        {
            throw new InputException($"{guardrails.Count} guardrails were given: a campaign has at most {Most}.");
        }
        foreach (var guardrail in guardrails)
        {
            if (guardrail is null)
            {
                throw new InputException("A guardrail is null: give {\"metric\", \"margin\"}, or leave it out.");
            }
            if (guardrail.Direction is not (HigherIsBetter or LowerIsBetter))
            {
                throw new InputException($"The direction of guardrail \"{guardrail.Metric}\" is \"{guardrail.Direction}\": choose {HigherIsBetter} or {LowerIsBetter}.");
            }
            if (!(guardrail.Margin > 0 && guardrail.Margin < 1))
            {
                throw new InputException(string.Create(CultureInfo.InvariantCulture,
                    $"The margin of guardrail \"{guardrail.Metric}\" is {guardrail.Margin}: give a relative change above 0 and below 1, such as 0.05 for 5 %."));
            }
            if (string.IsNullOrWhiteSpace(guardrail.Metric) || guardrails.Count(other => other?.Metric == guardrail.Metric) > 1)
            {
                throw new InputException($"The guardrail metric \"{guardrail.Metric}\" is empty or stands there twice: name each once.");
            }
            if (funnel is not null && guardrail.Metric is not (Amount or DeliveryRate or CoreConversion) && !funnel.Contains(guardrail.Metric))
            {
                throw new InputException(
                    $"\"{guardrail.Metric}\" is no guardrail metric: choose {Amount}, {DeliveryRate}, {CoreConversion} or a stage of the funnel {string.Join(" > ", funnel)}.");
            }
        }
    }
}
