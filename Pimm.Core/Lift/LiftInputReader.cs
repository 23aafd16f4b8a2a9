using System.Collections;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;

namespace Pimm.Core.Lift;

/// <summary>Brings together everything that a campaign's report is computed from, as it is now; who does not count is left out and counted.</summary>
public sealed class LiftInputReader(
    CampaignReader reader, AudienceStore audiences, CampaignOutcomeStore outcomes, DeliveryAnomalyStore anomalies, SegmentReader segments)
{
    /// <param name="at">the instant that the report is about</param>
    /// <returns>the input, and its customers with their identities in the same order</returns>
    public async Task<(MeasuredCampaign Measured, LiftInput Input)> ReadAsync(long campaignId, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var measured = await reader.ReadAsync(campaignId, at, cancellationToken);
        var (campaign, back) = (measured.Campaign, measured.Outcomes);
        var audience = await audiences.GetAsync(campaign.AudienceId, cancellationToken);
        var mismatches = measured.ArmsChanged;
        var twice = await anomalies.InBothArmsAsync(campaign.Id, cancellationToken);
        var (early, late) = await outcomes.MisdatedLabelsAsync(campaign, cancellationToken);
        var inBothArms = new ArmCounts(Count(measured, twice, Arm.Control), Count(measured, twice, Arm.Treatment));
        var leftOut = twice.Count == 0 ? [] : ExportsOf(measured, twice);
        measured = twice.Count == 0 ? measured : measured with { Customers = [.. measured.Customers.Where(customer => !twice.Contains(customer.Customer))] };
        var input = new LiftInput
        {
            Campaign = campaign.Name,
            AsOf = at,
            CampaignStart = campaign.StartsAt,
            Window = TimeSpan.FromDays(campaign.WindowDays),
            TimeZone = campaign.TimeZone,
            Waves = [.. measured.Waves.Select(w => new LiftWave(w.WaveDate, w.ImpressionsAt, campaign.ImpressionsPerDay, w.Impressions))],
            Customers = new MeasuredCustomers(measured.Customers),
            SplitMethod = MethodOf(measured.Allocation.Method),
            BlockMismatches = measured.Allocation.Method == "blocks" ? mismatches : null,
            ArmsChanged = measured.Allocation.Method == "blocks" ? 0 : mismatches,
            Ends = campaign.ClosesAt,
            OutcomesReceived = back.Received,
            HasCustomerOutcomes = back.Newest is not null,
            HasDeliveryReport = back.Delivered.Count > 0,
            OutcomesWithoutAmount = back.WithoutAmount,
            PlannedConversions = campaign.PlannedConversions,
            NewestOutcome = back.Newest,
            Funnel = await outcomes.FunnelAsync(campaign, twice, cancellationToken),
            Segments = await segments.ReadAsync(campaign, audience, measured.Allocation.ScoringId, measured.Customers, cancellationToken),
            Guardrails = campaign.GuardrailList(),
            Covariates = DifferencesOf(measured.Allocation),
            Anomalies = await anomalies.OfCampaignAsync(campaign.Id, cancellationToken),
            InBothArms = inBothArms,
            ExportsLeftOut = leftOut,
            LabelsBeforeImpression = early,
            LabelsAfterWindow = late,
            AlteredWaves = await anomalies.AlteredWavesAsync(campaign.Id, cancellationToken),
            Intake = await outcomes.IntakeAsync(campaign.AudienceId, cancellationToken),
            Simulated = audience.Simulated,
        };
        return (measured, input);
    }

    private static long Count(MeasuredCampaign measured, IReadOnlySet<Guid> customers, Arm arm) =>
        customers.Count == 0 ? 0 : measured.Customers.LongCount(customer => customer.Measured.Arm == arm && customers.Contains(customer.Customer));

    private static List<ArmCounts> ExportsOf(MeasuredCampaign measured, IReadOnlySet<Guid> customers)
    {
        var counts = measured.Waves.Select(_ => default(ArmCounts)).ToList();
        foreach (var (_, row) in measured.Customers.Where(customer => customers.Contains(customer.Customer)))
        {
            if (row.Actual is { Action: WaveAction.Exported or WaveAction.Explored, Wave: var wave })
            {
                counts[wave] = row.Arm == Arm.Control ? counts[wave] with { Control = counts[wave].Control + 1 } : counts[wave] with { Treatment = counts[wave].Treatment + 1 };
            }
        }
        return counts;
    }

    /// <summary>Of the attributes alone: the scores are compared again.</summary>
    private static List<CovariateDifference> DifferencesOf(Allocation allocation) =>
        [.. (SplitBalance.FromJson(allocation.Balance).Attributes ?? []).Where(a => a.After is not null && a.Name is not (Campaign.ControlScore or Campaign.TreatmentScore))
            .Select(a => new CovariateDifference(a.Level is null ? a.Name : $"{a.Name} {a.Level}", a.After!.Value))];

    private static SplitMethod MethodOf(string method) => method switch
    {
        "plain" => SplitMethod.Hash,
        "blocks" => SplitMethod.PermutedBlocks,
        _ => SplitMethod.BestOfCandidates,
    };

    /// <summary>The customers without their identities: millions of them are not worth a second copy.</summary>
    private sealed class MeasuredCustomers(IReadOnlyList<CampaignCustomer> customers) : IReadOnlyList<LiftCustomer>
    {
        public int Count => customers.Count;

        public LiftCustomer this[int index] => customers[index].Measured;

        public IEnumerator<LiftCustomer> GetEnumerator() => customers.Select(customer => customer.Measured).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
