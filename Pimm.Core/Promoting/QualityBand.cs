using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pimm.Core.Promoting;

/// <summary>How a version did on one task's test rows, as far as it was written down.</summary>
/// <param name="Calibration">predicted ÷ observed; 1 is right</param>
/// <param name="LiftAtDecile">rate in the best tenth ÷ rate of all</param>
public sealed record TaskFigures(string Name, long Positives, double? Auc, double? LogLoss, double? Calibration, double? Ece, double? LiftAtDecile, double? CaptureAtDecile)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <param name="test">JSON of the test metrics; null: nothing was measured</param>
    public static IReadOnlyList<TaskFigures> From(string? test) => test is null ? [] : JsonSerializer.Deserialize<TaskFigures[]>(test, Json) ?? [];
}

/// <summary>
/// A version's quality in a word, by the last stage: the one that customers are ranked by. AUC 0.8 and above is excellent, 0.7 good,
/// 0.6 fair, below poor; a band lower where predicted ÷ observed is outside 0.8 to 1.25, as its probabilities cannot be believed then.
/// </summary>
public static class QualityBand
{
    public const string Unknown = "unknown";

    private static readonly string[] Bands = ["poor", "fair", "good", "excellent"];

    public static string Of(IReadOnlyList<TaskFigures> tasks)
    {
        if (tasks.LastOrDefault() is not { Auc: { } auc } last)
        {
            return Unknown;
        }

        var place = auc switch { >= 0.8 => 3, >= 0.7 => 2, >= 0.6 => 1, _ => 0 };
        var believable = last.Calibration is not { } calibration || calibration is >= 0.8 and <= 1.25;
        return Bands[Math.Max(0, believable ? place : place - 1)];
    }
}
