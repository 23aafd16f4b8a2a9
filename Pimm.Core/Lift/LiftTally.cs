using Pimm.Core.Allocating;
using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>Counts of one arm's wave on the clock [wave, wave + window]: those exported by rank, explored, held back, with conversions and deliveries.</summary>
internal sealed class WaveTally
{
    public long Ranked, RankedConversions, RankedDelivered;
    public long Explored, ExploredConversions, ExploredDelivered;
    public long Held, HeldConversions;

    public Proportion Exported => new(Ranked + Explored, RankedConversions + ExploredConversions);

    public long Delivered => RankedDelivered + ExploredDelivered;

    /// <summary>Exploration has no held-back counterpart and stays out.</summary>
    public IncrementWave ForIncrement(bool hasDeliveryReport) =>
        new(new Proportion(Ranked, RankedConversions), new Proportion(Held, HeldConversions), hasDeliveryReport ? RankedDelivered : null);
}

/// <summary>Counts of one arm on the clock [campaign start, last wave + window].</summary>
internal sealed class ArmTally(int waves)
{
    public long Eligible, Conversions, Disagreeing, DisagreeingConversions, PlanMismatches, ConvertedBeforeWave, ConvertedAfterReport, Untouched, UntouchedConversions;

    public WaveTally[] Waves { get; } = Enumerable.Range(0, waves).Select(_ => new WaveTally()).ToArray();

    public Proportion All => new(Eligible, Conversions);

    public Proportion Apart => new(Eligible, DisagreeingConversions);

    public long ExportedCount => Waves.Sum(wave => wave.Exported.N);

    public Proportion Exported => new(ExportedCount, Waves.Sum(wave => wave.Exported.Conversions));
}

/// <summary>One pass over the eligible customers: every count, and every customer's outcome on the three clocks.</summary>
internal sealed class LiftTally
{
    private readonly LiftInput _input;

    public LiftTally(LiftInput input)
    {
        _input = input;
        Closes = input.Waves.Count == 0 ? null : input.Waves[^1].Start + input.Window;
        Control = new ArmTally(input.Waves.Count);
        Treatment = new ArmTally(input.Waves.Count);
        Converted = new double[input.Customers.Count];
        ConvertedApart = new double[input.Customers.Count];
        ConvertedOwnWave = new bool[input.Customers.Count];
        for (int i = 0; i < input.Customers.Count; i++)
            Count(i, UpToTheReport(input.Customers[i]));
    }

    public DateTimeOffset? Closes { get; }

    public ArmTally Control { get; }

    public ArmTally Treatment { get; }

    /// <summary>1 where the customer converted in [campaign start, last wave + window].</summary>
    public double[] Converted { get; }

    /// <summary>1 where the two plans part and the customer converted from then on.</summary>
    public double[] ConvertedApart { get; }

    public bool[] ConvertedOwnWave { get; }

    /// <summary>1,000·n/N with n and N the arms' means; null where nobody was exported.</summary>
    public double? PerThousand
    {
        get
        {
            double exported = Control.ExportedCount + Treatment.ExportedCount;
            return exported == 0 ? null : 1000.0 * (Control.Eligible + Treatment.Eligible) / exported;
        }
    }

    public ArmTally Of(Arm arm) => arm == Arm.Control ? Control : Treatment;

    /// <summary>What is dated after the report is not known at its time, however early its file came.</summary>
    private LiftCustomer UpToTheReport(in LiftCustomer customer)
    {
        if (!(customer.ConvertedAt > _input.AsOf))
            return customer;
        Of(customer.Arm).ConvertedAfterReport += customer.ConvertedAt <= Closes ? 1 : 0;
        return customer with { ConvertedAt = null };
    }

    private void Count(int i, in LiftCustomer customer)
    {
        ArmTally arm = Of(customer.Arm);
        arm.Eligible++;
        bool converted = customer.ConvertedAt >= _input.CampaignStart && customer.ConvertedAt <= Closes;
        if (converted)
        {
            arm.Conversions++;
            Converted[i] = 1;
        }
        int parting = CampaignPlanState.DivergenceWave(customer.ControlPlan, customer.TreatmentPlan);
        if (parting >= 0)
            arm.Disagreeing++;
        if (customer is { ControlPlan.Action: WaveAction.None, TreatmentPlan.Action: WaveAction.None })
            (arm.Untouched, arm.UntouchedConversions) = (arm.Untouched + 1, arm.UntouchedConversions + (converted ? 1 : 0));
        if (parting >= 0 && converted && customer.ConvertedAt >= _input.Waves[parting].Start)
        {
            arm.DisagreeingConversions++;
            ConvertedApart[i] = 1;
        }
        if (customer.Actual != (customer.Arm == Arm.Control ? customer.ControlPlan : customer.TreatmentPlan))
            arm.PlanMismatches++;
        if (customer.Actual.Action != WaveAction.None)
            CountWave(i, customer, arm);
    }

    private void CountWave(int i, in LiftCustomer customer, ArmTally arm)
    {
        if (customer.Actual.Wave >= arm.Waves.Length)
            throw new InputException($"Customer {i + 1} was reached in wave {customer.Actual.Wave}, and the campaign has {arm.Waves.Length} waves; give every wave.");
        WaveTally wave = arm.Waves[customer.Actual.Wave];
        DateTimeOffset start = _input.Waves[customer.Actual.Wave].Start;
        bool converted = customer.ConvertedAt >= start && customer.ConvertedAt <= start + _input.Window;
        ConvertedOwnWave[i] = converted;
        if (customer.Actual.Action != WaveAction.HeldBack && customer.ConvertedAt >= _input.CampaignStart && customer.ConvertedAt < start)
            arm.ConvertedBeforeWave++;
        int one = converted ? 1 : 0, delivered = customer.Delivered || !_input.HasDeliveryReport ? 1 : 0;
        switch (customer.Actual.Action)
        {
            case WaveAction.Exported:
                (wave.Ranked, wave.RankedConversions, wave.RankedDelivered) = (wave.Ranked + 1, wave.RankedConversions + one, wave.RankedDelivered + delivered);
                break;
            case WaveAction.Explored:
                (wave.Explored, wave.ExploredConversions, wave.ExploredDelivered) = (wave.Explored + 1, wave.ExploredConversions + one, wave.ExploredDelivered + delivered);
                break;
            default:
                (wave.Held, wave.HeldConversions) = (wave.Held + 1, wave.HeldConversions + one);
                break;
        }
    }
}
