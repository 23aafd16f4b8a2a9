using Pimm.Core.Allocating;
using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>The estimates of design/campaign.md, step 7, each with its adjusted form (null where there is none).</summary>
internal sealed class LiftEstimates
{
    private const string NoFeed = "The outcomes of customers who were not reached are not known here, so only delivered lift can be shown.";
    private readonly LiftInput _input;
    private readonly LiftTally _tally;
    private readonly double[][] _scores;
    private readonly bool[] _treated;

    public LiftEstimates(LiftInput input, LiftTally tally)
    {
        (_input, _tally) = (input, tally);
        _treated = input.Customers.Select(customer => customer.Arm == Arm.Treatment).ToArray();
        _scores = [input.Customers.Select(c => c.ControlScore).ToArray(), input.Customers.Select(c => c.TreatmentScore).ToArray()];
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

    public LiftAlwaysValid? ExtraAlwaysValid =>
        AlwaysValid.Of(Extra.Plain, _tally.Control.Conversions, _tally.Treatment.Conversions, _input.PlannedConversions, _input.Confidence);

    public LiftAlwaysValid? DisagreementAlwaysValid => AlwaysValid.Of(
        Disagreement.Plain, _tally.Control.DisagreeingConversions, _tally.Treatment.DisagreeingConversions, _input.PlannedConversions, _input.Confidence);

    public Estimate IncrementRatio => Fieller.Ratio(IncrementTreatment.Plain, IncrementControl.Plain, _input.Confidence);

    public Estimate DeliveredLift => ProportionComparison.RelativeLift(_tally.Control.Exported, _tally.Treatment.Exported, _input.Confidence);

    private (Estimate, Estimate?) NeedingFeed(string method, Func<(Estimate, Estimate?)> compute) =>
        _input.HasCustomerOutcomes ? compute() : (Estimate.Unavailable(method, NoFeed), null);

    private (Estimate, Estimate?) ExtraPerThousand()
    {
        if (_tally.PerThousand is not { } factor)
            return (Estimate.Unavailable("newcombe", "Nobody was exported yet."), null);
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
            return (Estimate.Unavailable(method, "unavailable: the newest champion ranked each night, so there is no shadow plan of fixed models."), null);
        if (mismatches > 0)
            return (Estimate.Unavailable(method, $"unavailable: what was exported differs from the arm's own plan for {mismatches} customers."), null);
        if (_tally.PerThousand is not { } factor)
            return (Estimate.Unavailable(method, "Nobody was exported yet."), null);
        return (DisagreementSet.Difference(_tally.Control.Apart, _tally.Treatment.Apart, _input.Confidence).Scaled(factor),
            RegressionAdjustment.Means(_tally.ConvertedApart, _treated, _scores)?.Difference(_input.Confidence).Scaled(factor));
    }

    private (Estimate, Estimate?) IncrementOf(Arm arm)
    {
        IncrementWave[] waves = _tally.Of(arm).Waves.Select(wave => wave.ForIncrement(_input.HasDeliveryReport)).ToArray();
        Estimate[] adjusted = waves.Select((wave, w) => AdjustedIncrement(arm, wave, w)).ToArray();
        Estimate pooled = Increment.Pool(waves, adjusted, _input.Confidence, "regression-hc2");
        return (Increment.Pooled(waves, _input.Confidence), pooled.Value is null ? null : pooled);
    }

    private Estimate AdjustedIncrement(Arm arm, IncrementWave wave, int index)
    {
        var members = new List<int>();
        for (int i = 0; i < _input.Customers.Count; i++)
            if (_input.Customers[i] is { Actual: { Action: WaveAction.Exported or WaveAction.HeldBack } actual } customer && customer.Arm == arm && actual.Wave == index)
                members.Add(i);
        bool[] exported = members.Select(i => _input.Customers[i].Actual.Action == WaveAction.Exported).ToArray();
        double[] outcomes = members.Select(i => _tally.ConvertedOwnWave[i] ? 1.0 : 0.0).ToArray();
        double[][] scores = _scores.Select(column => members.Select(i => column[i]).ToArray()).ToArray();
        if (wave.DeliveryFactor is not { } factor || RegressionAdjustment.Means(outcomes, exported, scores) is not { } means)
            return Estimate.Unavailable("regression-hc2", "This wave has too few customers for an adjustment.");
        return means.Difference(_input.Confidence).Scaled(1000 * factor);
    }
}
