using System.Reflection;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Core.Lift;

/// <summary>True values of a simulated campaign, null for a real one: Simulating knows them, the report shows them beside the estimates.</summary>
public delegate Task<LiftTruth?> TruthOfCampaign(
    Campaign campaign, LiftInput input, IReadOnlyList<CampaignCustomer> customers, CancellationToken cancellationToken);

/// <summary>Computes a campaign's lift report as of now and keeps it; earlier reports stay.</summary>
public sealed class MeasureLift(CampaignReader reader, AudienceStore audiences, LiftStore lifts, TruthOfCampaign truth, TimeProvider time) : IJob
{
    public const string JobKind = "lift";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        run.Report(0.1, "reading assignments, plans and outcomes");
        var measured = await reader.ReadAsync(run.RequiredCampaignId, cancellationToken);
        var (campaign, allocation, waves, customers, outcomes) = measured;
        var audience = await audiences.GetAsync(campaign.AudienceId, cancellationToken);

        run.Report(0.5, "computing the report");
        var input = new LiftInput
        {
            Campaign = campaign.Name,
            AsOf = time.GetUtcNow(),
            CampaignStart = campaign.StartsAt,
            Window = TimeSpan.FromDays(campaign.WindowDays),
            Waves = [.. waves.Select(w => new LiftWave(w.WaveDate, w.ImpressionsAt, campaign.ImpressionsPerDay, w.Impressions))],
            Customers = [.. customers.Select(c => c.Measured)],
            SplitMethod = MethodOf(allocation.Method),
            BlockMismatches = allocation.Method == "blocks" ? measured.ArmsChanged : null,
            ArmsChanged = allocation.Method == "blocks" ? 0 : measured.ArmsChanged,
            Ends = campaign.ClosesAt,
            OutcomesReceived = outcomes.Received,
            HasCustomerOutcomes = outcomes.Newest is not null,
            HasDeliveryReport = outcomes.Delivered.Count > 0,
            PlannedConversions = campaign.PlannedConversions,
            NewestOutcome = outcomes.Newest,
            Funnel = outcomes.Funnel,
            Simulated = audience.Simulated,
        };
        var report = LiftReporter.Report(input with { Truth = await truth(campaign, input, customers, cancellationToken) });

        await run.CompleteAsync(
            new { verdict = report.Verdict?.Status, headline = report.Number(LiftKeys.Extra).Estimate },
            connection => lifts.AddAsync(connection, campaign.Id, report, CodeVersion, run.RunId), cancellationToken);
    }

    private static string CodeVersion =>
        typeof(MeasureLift).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    private static SplitMethod MethodOf(string method) => method switch
    {
        "plain" => SplitMethod.Hash,
        "blocks" => SplitMethod.PermutedBlocks,
        _ => SplitMethod.BestOfCandidates,
    };
}
