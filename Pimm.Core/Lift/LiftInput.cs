using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Outcomes;
using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>
/// One eligible customer as the campaign saw it: arm, both frozen scores (probabilities of the core conversion), first
/// core conversion by any route, what was done, whether the channel delivered it, what each policy planned, and the sum of the
/// amounts that came within the campaign's window (null: none).
/// </summary>
public readonly record struct LiftCustomer(
    Arm Arm, double ControlScore, double TreatmentScore, DateTimeOffset? ConvertedAt,
    PlannedAction Actual, bool Delivered, PlannedAction ControlPlan, PlannedAction TreatmentPlan, double? Amount = null);

/// <summary>A published wave; Requested is N as planned, Impressions what each arm was given.</summary>
public sealed record LiftWave(DateOnly Date, DateTimeOffset Start, int Requested, int Impressions);

/// <summary>How many of an arm's customers reached a stage, for instance clicked.</summary>
public sealed record FunnelCount(string Stage, long Control, long Treatment);

/// <summary>A count of something in each arm.</summary>
public readonly record struct ArmCounts(long Control, long Treatment);

/// <summary>How far the arms are apart in a covariate when they were split, in standard deviations, treatment − control.</summary>
public readonly record struct CovariateDifference(string Name, double Difference);

/// <summary>A 2×2 health check by arm, the assigned customers as margin, of all waves and segments or of one.</summary>
public sealed record CountCheck(string Name, Proportion Control, Proportion Treatment, int? Wave = null, string? Segment = null);

/// <summary>True values of a simulated campaign, in the units of the numbers they stand beside.</summary>
public sealed record LiftTruth(
    double? ExtraPerThousand, double? IncrementControl, double? IncrementTreatment, double? EligibleLift, double? DeliveredLift);

/// <summary>Everything the lift report is computed from.</summary>
public sealed record LiftInput
{
    public required string Campaign { get; init; }

    public required DateTimeOffset AsOf { get; init; }

    public required DateTimeOffset CampaignStart { get; init; }

    /// <summary>How long after an impression a conversion counts; positive.</summary>
    public required TimeSpan Window { get; init; }

    /// <summary>In order: the waves of customers' actions are positions in this list.</summary>
    public required IReadOnlyList<LiftWave> Waves { get; init; }

    /// <summary>All eligible customers, frozen at launch.</summary>
    public required IReadOnlyList<LiftCustomer> Customers { get; init; }

    public SplitMethod SplitMethod { get; init; } = SplitMethod.Hash;

    /// <summary>Arms that a recomputation from the stored seed would change; only for blocks.</summary>
    public int? BlockMismatches { get; init; }

    /// <summary>Stored arms that were altered after the split.</summary>
    public int ArmsChanged { get; init; }

    /// <summary>False where outcomes are known only through clicks: only delivered lift can be shown.</summary>
    public bool HasCustomerOutcomes { get; init; } = true;

    /// <summary>False where the channel reports no deliveries: every export counts as delivered.</summary>
    public bool HasDeliveryReport { get; init; } = true;

    /// <summary>False where each night's newest champion ranked: the disagreement set is not computable.</summary>
    public bool ModelsFrozen { get; init; } = true;

    /// <summary>Core conversions of both arms expected at launch, the scale of the sequential bounds; null: a fixed scale.</summary>
    public double? PlannedConversions { get; init; }

    /// <summary>When the last planned wave's window closes; null: when that of the last wave given does.</summary>
    public DateTimeOffset? Ends { get; init; }

    /// <summary>When outcomes were last taken in, for the freshness check; null: unknown.</summary>
    public DateTimeOffset? OutcomesReceived { get; init; }

    /// <summary>When the newest outcome happened, for the freshness check.</summary>
    public DateTimeOffset? NewestOutcome { get; init; }

    /// <summary>Stages of the impressions' own funnel, in order, beside what the report counts itself.</summary>
    public IReadOnlyList<FunnelCount> Funnel { get; init; } = [];

    /// <summary>Of the attributes, as the split was stored; the scores' are computed.</summary>
    public IReadOnlyList<CovariateDifference> Covariates { get; init; } = [];

    public IReadOnlyList<CountCheck> CountChecks { get; init; } = [];

    /// <summary>IANA id of the zone whose calendar days the report is broken down by.</summary>
    public string TimeZone { get; init; } = "UTC";

    /// <summary>Attributes that the report is broken down by, one level for each customer.</summary>
    public IReadOnlyList<SegmentColumn> Segments { get; init; } = [];

    public IReadOnlyList<Guardrail> Guardrails { get; init; } = [];

    /// <summary>What was delivered beside the plans; null: unknown.</summary>
    public DeliveryAnomalies? Anomalies { get; init; }

    /// <summary>Customers in the control of one and the treatment of another campaign, both of which plan to reach them: not among <see cref="Customers"/>, only counted.</summary>
    public ArmCounts InBothArms { get; init; }

    /// <summary>How many of those in both arms each wave exported, in order; empty: none.</summary>
    public IReadOnlyList<ArmCounts> ExportsLeftOut { get; init; } = [];

    /// <summary>Funnel labels dated before their wave began: not among <see cref="Funnel"/>, only counted.</summary>
    public ArmCounts LabelsBeforeImpression { get; init; }

    /// <summary>Funnel labels dated after their wave's window closed: only counted, too.</summary>
    public ArmCounts LabelsAfterWindow { get; init; }

    /// <summary>Waves whose stored plan or written list has another number of customers than was published.</summary>
    public IReadOnlyList<AlteredWave> AlteredWaves { get; init; } = [];

    /// <summary>Outcomes in the window that came without an amount, while others had one.</summary>
    public long OutcomesWithoutAmount { get; init; }

    public LiftIntake? Intake { get; init; }

    public double Confidence { get; init; } = 0.95;

    public bool Simulated { get; init; }

    public LiftTruth? Truth { get; init; }
}
