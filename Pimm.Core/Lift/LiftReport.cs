using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pimm.Core.Lift;

/// <summary>
/// What a campaign's treatment model was worth, with everything needed to doubt it. Times are UTC; infinities are written as
/// "Infinity" and "-Infinity". The parts that may be null are missing in reports of earlier versions of the code.
/// </summary>
public sealed record LiftReport(
    string Campaign, bool Simulated, DateTimeOffset AsOf, double Confidence, LiftWindows Windows, LiftVerdict? Verdict,
    IReadOnlyList<LiftCheck> Checks, IReadOnlyList<LiftNumber> Numbers, LiftSequential Sequential,
    IReadOnlyList<LiftFunnelStage> Funnel, IReadOnlyList<LiftTruthRow>? Truth)
{
    public LiftOrigin? Origin { get; init; }

    public LiftChanges? Changes { get; init; }

    public IReadOnlyList<LiftGuardrail>? Guardrails { get; init; }

    /// <summary>Chosen after assignment, as delivered lift is: never adjusted, never a reason to ship.</summary>
    public IReadOnlyList<LiftStage>? Stages { get; init; }

    public LiftAmount? Amount { get; init; }

    public LiftDays? Days { get; init; }

    public IReadOnlyList<LiftSegment>? Segments { get; init; }

    public LiftDivergence? Divergence { get; init; }

    public IReadOnlyList<LiftExclusion>? Exclusions { get; init; }

    public static JsonSerializerOptions JsonOptions { get; } = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public string ToJson() => JsonSerializer.Serialize(this, JsonOptions);

    public static LiftReport FromJson(string json) =>
        JsonSerializer.Deserialize<LiftReport>(json, JsonOptions) ?? throw new InputException("The lift report is the JSON null; give a report.");

    /// <summary>The number with a key of <see cref="LiftKeys"/>.</summary>
    public LiftNumber Number(string key) => Numbers.Single(number => number.Key == key);
}

/// <summary>Stable keys of the report's numbers.</summary>
public static class LiftKeys
{
    public const string Extra = "extraPerThousand";
    public const string Disagreement = "disagreementPerThousand";
    public const string IncrementControl = "incrementControl";
    public const string IncrementTreatment = "incrementTreatment";
    public const string IncrementRatio = "incrementRatio";
    public const string EligibleLift = "eligibleLift";
    public const string DeliveredLift = "deliveredLift";
    public const string Amount = "amountPerThousand";
    public const string AmountLift = "amountLift";
}

/// <summary>Until when conversions count. Closed: the eligible window has ended.</summary>
public sealed record LiftWindows(DateTimeOffset? Closes, bool Closed, IReadOnlyList<LiftWaveWindow> Waves);

public sealed record LiftWaveWindow(
    int Wave, DateOnly Date, DateTimeOffset Closes, bool Closed, int Requested, int Impressions, LiftWaveArm Control, LiftWaveArm Treatment);

/// <summary>Counts of a wave; conversions lie within [wave, wave + window]. Increment is per 1,000, of this wave alone.</summary>
public sealed record LiftWaveArm(
    long Exported, long Explored, long Delivered, long HeldBack, long ExportedConversions, long HeldBackConversions, double? Increment, double? StandardError);

/// <summary>
/// Status: ship, roll-back, keep-running, cannot-tell, unhealthy or no-data (docs/campaigns.md has the rule); off and no verdict at
/// all are what earlier versions of the code said for unhealthy and keep-running. Days: about how many until the windows
/// close, or how many campaign days more would tell; null where no number of them is sensible.
/// </summary>
public sealed record LiftVerdict(string Status, string Sentence)
{
    public int? Days { get; init; }
}

/// <summary>PValue is Holm's over all 2×2 checks where the check is one of these, null where there is none.</summary>
public sealed record LiftCheck(string Name, double? PValue, bool Alarm, string Sentence)
{
    /// <summary>Names what says when a campaign was stopped, and by whom.</summary>
    public const string Stopped = "stopped";
}

/// <summary>
/// One labelled number. Unit is "per 1,000 impressions" or "relative" (0.07 = +7 %) or "ratio"; a part that is not defined
/// is null and Note says why. Adjusted is null where adjusting would be wrong or impossible.
/// </summary>
public sealed record LiftNumber(
    string Key, string Name, string Shows, string CannotShow, double? Estimate, double? StandardError, double? Lower, double? Upper,
    string Method, string Unit, string? Note, LiftAdjustment? Adjusted)
{
    public LiftAlwaysValid? AlwaysValid { get; init; }

    /// <summary>The core conversions that the number counts, where it decides something.</summary>
    public ArmCounts? Conversions { get; init; }
}

/// <summary>The number again with regression adjustment; Changed says what that did.</summary>
public sealed record LiftAdjustment(double? Estimate, double? StandardError, double? Lower, double? Upper, string Method, string Changed);

/// <summary>Always-valid bounds of the eligible lift, whose clock is conversions; relative.</summary>
public sealed record LiftSequential(
    long ControlConversions, long TreatmentConversions, double? PlannedConversions, double? EValue, double? PValue, double? Lower, double? Upper, bool? Reject, string? Note);

/// <summary>ControlShare and TreatmentShare are of the stage before; null where that is empty.</summary>
public sealed record LiftFunnelStage(string Stage, long Control, long Treatment, double? ControlShare, double? TreatmentShare);

/// <summary>A simulated campaign's true value beside its estimate; Covered: the interval holds it.</summary>
public sealed record LiftTruthRow(string Key, string Name, string Unit, double? Truth, double? Estimate, double? Lower, double? Upper, bool? Covered);
