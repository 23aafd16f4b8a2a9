using Pimm.Core.Allocating;
using Pimm.Core.Statistics;
using static Pimm.Core.Lift.LiftSentences;

namespace Pimm.Core.Lift;

/// <summary>The estimates of design/campaign.md, step 7, each with its adjusted form (null where there is none).</summary>
internal sealed class LiftEstimates
{
    private readonly LiftInput _input;
    private readonly LiftTally _tally;
    private readonly double[][] _scores;
    private readonly bool[] _treated;
    private readonly List<int>[][] _byWave;

    public LiftEstimates(LiftInput input, LiftTally tally)
    {
        (_input, _tally) = (input, tally);
        _treated = input.Customers.Select(customer => customer.Arm == Arm.Treatment).ToArray();
        _scores = [input.Customers.Select(c => c.ControlScore).ToArray(), input.Customers.Select(c => c.TreatmentScore).ToArray()];
        _byWave = ByWave(input);
        Extra = NeedingFeed("newcombe", ExtraPerThousand);
        Disagreement = NeedingFeed("disagreement-set", DisagreementPerThousand);
        EligibleLift = NeedingFeed("log-risk-ratio", RelativeEligibleLift);
        IncrementControl = NeedingFeed("exported-held", () => IncrementOf(Arm.Control));
        IncrementTreatment = NeedingFeed("exported-held", () => IncrementOf(Arm.Treatment));
    }

    public (Estimate Plain, Estimate? Adjusted) Extra { get; }

    public (Estimate Plain, Estimate? Adjusted) Disagreement { get; }

    public (Estimate Plain, Estimate? Adjusted) EligibleLift { get; }

    public (Estimate Plain, Estimate? Adjusted) IncrementControl { get; }

    public (Estimate Plain, Estimate? Adjusted) IncrementTreatment { get; }

    public ArmCounts ExtraConversions => new(_tally.Control.Conversions, _tally.Treatment.Conversions);

    public ArmCounts DisagreementConversions => new(_tally.Control.DisagreeingConversions, _tally.Treatment.DisagreeingConversions);

    public LiftAlwaysValid? ExtraAlwaysValid =>
        AlwaysValid.Of(Extra.Plain, ExtraConversions.Control, ExtraConversions.Treatment, _input.PlannedConversions, _input.Confidence);

    public LiftAlwaysValid? DisagreementAlwaysValid => AlwaysValid.Of(
        Disagreement.Plain, DisagreementConversions.Control, DisagreementConversions.Treatment, _input.PlannedConversions, _input.Confidence);

    public Estimate IncrementRatio => Fieller.Ratio(IncrementTreatment.Plain, IncrementControl.Plain, _input.Confidence);

    public Estimate DeliveredLift => ProportionComparison.RelativeLift(_tally.Control.Exported, _tally.Treatment.Exported, _input.Confidence);

    private (Estimate, Estimate?) NeedingFeed(string method, Func<(Estimate, Estimate?)> compute) =>
        _input.HasCustomerOutcomes ? compute() : (Estimate.Unavailable(method, LiftSentences.NoFeed), null);

    private (Estimate, Estimate?) ExtraPerThousand()
    {
        if (_tally.PerThousand is not { } factor)
            return (Estimate.Unavailable("newcombe", LiftSentences.NobodyYet), null);
        AdjustedMeans? adjusted = RegressionAdjustment.Means(_tally.Converted, _treated, _scores);
        return (ProportionComparison.Newcombe(_tally.Control.All, _tally.Treatment.All, _input.Confidence).Scaled(factor),
            adjusted?.Difference(_input.Confidence).Scaled(factor));
    }

    private (Estimate, Estimate?) RelativeEligibleLift() =>
        (ProportionComparison.RelativeLift(_tally.Control.All, _tally.Treatment.All, _input.Confidence),
            RegressionAdjustment.Means(_tally.Converted, _treated, _scores)?.RelativeLift(_input.Confidence));

    private (Estimate, Estimate?) DisagreementPerThousand()
    {
        const string method = "disagreement-set";
        long mismatches = _tally.Control.PlanMismatches + _tally.Treatment.PlanMismatches;
        if (!_input.ModelsFrozen)
            return (Estimate.Unavailable(method, LiftSentences.NewestChampion), null);
        if (mismatches > 0)
            return (Estimate.Unavailable(method, LiftSentences.Say(LiftSentences.OtherThanPlanned, mismatches)), null);
        if (_tally.PerThousand is not { } factor)
            return (Estimate.Unavailable(method, LiftSentences.NobodyYet), null);
        return (DisagreementSet.Difference(_tally.Control.Apart, _tally.Treatment.Apart, _input.Confidence).Scaled(factor),
            RegressionAdjustment.Means(_tally.ConvertedApart, _treated, _scores)?.Difference(_input.Confidence).Scaled(factor));
    }

    private (Estimate, Estimate?) IncrementOf(Arm arm)
    {
        IncrementWave[] waves = _tally.Of(arm).Waves.Select(wave => wave.ForIncrement(_input.HasDeliveryReport)).ToArray();
        Estimate[] adjusted = waves.Select((wave, w) => AdjustedIncrement(_byWave[(int)arm][w], wave)).ToArray();
        Estimate pooled = Increment.Pool(waves, adjusted, _input.Confidence, "regression-hc2");
        return (Increment.Pooled(waves, _input.Confidence), pooled.Value is null ? null : pooled);
    }

    /// <summary>Positions of the customers whom each wave of an arm exported by rank or held back.</summary>
    private static List<int>[][] ByWave(LiftInput input)
    {
        List<int>[][] members = [.. new[] { Arm.Control, Arm.Treatment }.Select(_ => input.Waves.Select(_ => new List<int>()).ToArray())];
        for (int i = 0; i < input.Customers.Count; i++)
            if (input.Customers[i] is { Actual: { Action: WaveAction.Exported or WaveAction.HeldBack } actual } customer)
                members[(int)customer.Arm][actual.Wave].Add(i);
        return members;
    }

    private Estimate AdjustedIncrement(List<int> members, IncrementWave wave)
    {
        bool[] exported = members.Select(i => _input.Customers[i].Actual.Action == WaveAction.Exported).ToArray();
        double[] outcomes = members.Select(i => _tally.ConvertedOwnWave[i] ? 1.0 : 0.0).ToArray();
        double[][] scores = _scores.Select(column => members.Select(i => column[i]).ToArray()).ToArray();
        if (wave.DeliveryFactor is not { } factor || RegressionAdjustment.Means(outcomes, exported, scores) is not { } means)
            return Estimate.Unavailable("regression-hc2", "This wave has too few customers for an adjustment.");
        return means.Difference(_input.Confidence).Scaled(1000 * factor);
    }
}
