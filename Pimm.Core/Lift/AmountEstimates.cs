using System.Globalization;
using Pimm.Core.Allocating;
using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>The amounts of all eligible customers by the arm they were assigned to; a customer without an outcome has 0.</summary>
internal sealed class AmountEstimates
{
    private const string NoAmounts = "No outcome came with an amount, so there is nothing to compare.";
    private readonly LiftInput _input;
    private readonly double? _perThousand;
    private readonly AdjustedMeans? _adjusted;

    public AmountEstimates(LiftInput input, LiftTally tally)
    {
        (_input, _perThousand) = (input, tally.PerThousand);
        Known = input.HasCustomerOutcomes && input.Customers.Any(customer => customer.Amount is not null);
        if (!Known)
            return;
        foreach (LiftCustomer customer in input.Customers)
            if (customer.Arm == Arm.Control)
                Control = Control.Plus(customer.Amount ?? 0);
            else
                Treatment = Treatment.Plus(customer.Amount ?? 0);
        double[] amounts = input.Customers.Select(customer => customer.Amount ?? 0).ToArray();
        _adjusted = RegressionAdjustment.Means(amounts, input.Customers.Select(customer => customer.Arm == Arm.Treatment).ToArray(),
            [input.Customers.Select(c => c.ControlScore).ToArray(), input.Customers.Select(c => c.TreatmentScore).ToArray()]);
    }

    public bool Known { get; }

    public Moments Control { get; }

    public Moments Treatment { get; }

    /// <summary>Relative, at any confidence: what a guardrail asks for.</summary>
    public Estimate Lift(double confidence) => !Known ? Estimate.Unavailable("delta", NoAmounts)
        : Control.Sample is { } control && Treatment.Sample is { } treatment ? MeanLift.Of(control, treatment, confidence)
        : Estimate.Unavailable("delta", "Each arm needs at least two customers.");

    public LiftAmount Report()
    {
        if (!Known)
            return new LiftAmount(null, null, NoAmounts, []);
        Estimate extra = _perThousand is { } factor ? Moments.Welch(Control, Treatment, _input.Confidence).Scaled(factor) : Estimate.Unavailable("welch", LiftSentences.NobodyYet);
        Estimate? adjustedExtra = _perThousand is { } scale ? _adjusted?.Difference(_input.Confidence).Scaled(scale) : null;
        Estimate? adjustedLift = _adjusted is { } means ? MeanLift.Of(means, Control.N, Treatment.N, _input.Confidence) : null;
        string? note = _input.OutcomesWithoutAmount == 0 ? null
            : string.Create(CultureInfo.InvariantCulture, $"{_input.OutcomesWithoutAmount:N0} outcomes came without an amount and count as 0.");
        return new LiftAmount(Control.Mean, Treatment.Mean, note, LiftNumbers.OfAmount((extra, adjustedExtra), (Lift(_input.Confidence), adjustedLift)));
    }
}
