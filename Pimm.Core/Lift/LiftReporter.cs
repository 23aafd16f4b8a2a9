using System.Globalization;
using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>Computes the lift report: a pure function of its input.</summary>
public static class LiftReporter
{
    /// <summary>Throws <see cref="InputException"/> for a window that is not positive, waves out of order or an action in a wave that is not given.</summary>
    public static LiftReport Report(LiftInput input)
    {
        Check(input);
        var tally = new LiftTally(input);
        LiftSequential sequential = Sequential(input, tally);
        IReadOnlyList<LiftNumber> numbers = LiftNumbers.Of(new LiftEstimates(input, tally), EligibleBounds(input, tally, sequential));
        var amounts = new AmountEstimates(input, tally);
        var report = new LiftReport(input.Campaign, input.Simulated, input.AsOf, input.Confidence, Windows(input, tally), null,
            LiftChecks.Of(input, tally), numbers, sequential, Funnel(input, tally), input.Truth is { } truth ? TruthRows(truth, numbers) : null)
        {
            Guardrails = GuardrailStates.Of(input, tally, amounts),
            Stages = StageLifts.Of(input, tally),
            Amount = amounts.Report(),
            Days = DailySeries.Of(input, tally),
            Segments = SegmentEffects.Of(input, tally),
            Divergence = Divergence.Of(input),
            Exclusions = Exclusions.Of(input, tally),
        };
        return report with { Verdict = LiftVerdicts.Of(input, report) };
    }

    /// <summary>1 for every customer whose conversion the headline counts, else 0; in the order of the customers.</summary>
    public static double[] Conversions(LiftInput input)
    {
        Check(input);
        return new LiftTally(input).Converted;
    }

    private static void Check(LiftInput input)
    {
        if (input.Window <= TimeSpan.Zero)
            throw new InputException($"A window of {input.Window} is not possible; give a positive length of time.");
        for (int w = 1; w < input.Waves.Count; w++)
            if (input.Waves[w].Start <= input.Waves[w - 1].Start)
                throw new InputException($"Wave {w + 1} starts at {input.Waves[w].Start:O}, not after the wave before it; give waves in order.");
        if (input.Segments.FirstOrDefault(column => column.LevelOf.Count != input.Customers.Count) is { } wrong)
            throw new InputException($"The attribute \"{wrong.Attribute}\" has {wrong.LevelOf.Count} values for {input.Customers.Count} customers; give one for each.");
        _ = Estimate.CriticalValue(input.Confidence);
    }

    private static LiftWindows Windows(LiftInput input, LiftTally tally) => new(Later(tally.Closes, input.Ends), Later(tally.Closes, input.Ends) <= input.AsOf,
        input.Waves.Select((wave, w) => new LiftWaveWindow(w + 1, wave.Date, wave.Start + input.Window, wave.Start + input.Window <= input.AsOf,
            wave.Requested, wave.Impressions, WaveArm(tally.Control.Waves[w], input), WaveArm(tally.Treatment.Waves[w], input))).ToArray());

    private static DateTimeOffset? Later(DateTimeOffset? closes, DateTimeOffset? ends) => closes is null || ends > closes ? ends : closes;

    private static LiftWaveArm WaveArm(WaveTally wave, LiftInput input)
    {
        Estimate? increment = input.HasCustomerOutcomes ? Increment.OfWave(wave.ForIncrement(input.HasDeliveryReport), input.Confidence) : null;
        return new LiftWaveArm(wave.Exported.N, wave.Explored, wave.Delivered, wave.Held, wave.Exported.Conversions, wave.HeldConversions,
            increment?.Value, increment?.StandardError);
    }

    /// <summary>The eligible lift's bounds as they stand beside the other numbers; null without the outcomes of all eligible.</summary>
    private static LiftAlwaysValid? EligibleBounds(LiftInput input, LiftTally tally, LiftSequential look) => !input.HasCustomerOutcomes ? null
        : new LiftAlwaysValid(look.Lower, look.Upper, null, tally.Control.Conversions + tally.Treatment.Conversions, look.Note);

    private static LiftSequential Sequential(LiftInput input, LiftTally tally)
    {
        double planned = input.PlannedConversions ?? SequentialCounts.DefaultPlannedConversions;
        SequentialResult look = !input.HasCustomerOutcomes ? Without("The outcomes of customers who were not reached are not known here.")
            : SequentialCounts.Look(tally.Control.All, tally.Treatment.All, planned, input.Confidence);
        return new LiftSequential(tally.Control.Conversions, tally.Treatment.Conversions, planned,
            look.EValue, look.PValue, look.Lower, look.Upper, look.Reject, look.Note);

        static SequentialResult Without(string note) => new(null, null, null, null, null, note);
    }

    private static IReadOnlyList<LiftFunnelStage> Funnel(LiftInput input, LiftTally tally)
    {
        var counts = new List<FunnelCount>
        {
            new("eligible", tally.Control.Eligible, tally.Treatment.Eligible),
            new("exported", tally.Control.ExportedCount, tally.Treatment.ExportedCount),
        };
        if (input.HasDeliveryReport)
            counts.Add(new FunnelCount("delivered", tally.Control.Waves.Sum(wave => wave.Delivered), tally.Treatment.Waves.Sum(wave => wave.Delivered)));
        counts.AddRange(input.Funnel);
        return counts.Select((stage, i) => new LiftFunnelStage(stage.Stage, stage.Control, stage.Treatment,
            i == 0 ? null : Share(stage.Control, counts[i - 1].Control), i == 0 ? null : Share(stage.Treatment, counts[i - 1].Treatment))).ToArray();

        static double? Share(long part, long whole) => whole == 0 ? null : (double)part / whole;
    }

    private static IReadOnlyList<LiftTruthRow> TruthRows(LiftTruth truth, IReadOnlyList<LiftNumber> numbers)
    {
        double? TrueValue(string key) => key switch
        {
            LiftKeys.Extra or LiftKeys.Disagreement => truth.ExtraPerThousand,
            LiftKeys.IncrementControl => truth.IncrementControl,
            LiftKeys.IncrementTreatment => truth.IncrementTreatment,
            LiftKeys.IncrementRatio => truth.IncrementControl is > 0 or < 0 ? truth.IncrementTreatment / truth.IncrementControl : null,
            LiftKeys.EligibleLift => truth.EligibleLift,
            LiftKeys.DeliveredLift => truth.DeliveredLift,
            _ => null,
        };
        return numbers.Select(number => new LiftTruthRow(number.Key, number.Name, number.Unit, TrueValue(number.Key), number.Estimate, number.Lower, number.Upper,
            TrueValue(number.Key) is { } value && number.Lower is { } lower && number.Upper is { } upper ? lower <= value && value <= upper : null)).ToArray();
    }
}
