using Pimm.Core.Approving;
using Pimm.Core.Campaigns;
using Pimm.Core.Lift;

namespace Pimm.Core.Simulating;

/// <summary>The simulated market's side of a campaign: makes the files that are sent to the product, and knows the truth.</summary>
public sealed class MarketPlayer(SimulatedMarketStore markets, CampaignReader reader, ApprovalDesk desk, LifeStore lives, TimeProvider time)
{
    /// <summary>Whom the records of approvals name in a demo: no person looked at it.</summary>
    public const string Approver = "demo:approver";

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Submits a campaign of made-up customers and approves it, which its record says.</summary>
    public async Task ApproveAsync(Campaign campaign, CancellationToken cancellationToken)
    {
        if ((await lives.ReadAsync(campaign.Id, cancellationToken: cancellationToken))!.ApprovalState == ApprovalStates.Approved)
        {
            return;
        }
        _ = await MarketOfAsync(campaign, cancellationToken) ?? throw new InputException($"Campaign \"{campaign.Name}\" is real: people approve it.");
        await desk.SubmitAsync(campaign.Id, campaign.CreatedBy, null, cancellationToken);
        await desk.ApproveAsync(campaign.Id, Approver, "Approved by the demo itself: its customers are made up, and nobody is contacted.", cancellationToken: cancellationToken);
    }

    /// <summary>Writes customers and history of an audience's market, which is stored so that its truth can be computed again.</summary>
    public async Task<(string Customers, string History)> WriteMarketAsync(long audienceId, DemoRequest request, CancellationToken cancellationToken)
    {
        // History ends where the windows of its last impressions close before the campaign.
        var ends = new DateTimeOffset(request.StartsOn.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero).AddDays(-request.WindowDays - 1);
        await markets.AddAsync(new SimulatedMarket(audienceId, request.World, request.Seed, request.Customers, ends), cancellationToken);
        var market = (await markets.FindAsync(audienceId, cancellationToken))!;
        var customers = Path.Combine(Folder(request.Folder), $"customers-{audienceId}.csv");
        var history = Path.Combine(Folder(request.Folder), $"history-{audienceId}.csv");
        await Task.Run(() =>
        {
            MarketFiles.WriteCustomers(market, customers);
            MarketFiles.WriteHistory(market, request.HistoryRows, history);
        }, cancellationToken);
        return (customers, history);
    }

    public async Task<string> WriteOutcomesAsync(Campaign campaign, string folder, CancellationToken cancellationToken)
    {
        var market = await MarketOfAsync(campaign, cancellationToken)
            ?? throw new InputException($"Campaign \"{campaign.Name}\" is real: its outcomes cannot be simulated.");
        var measured = await reader.ReadAsync(campaign.Id, Now, cancellationToken);
        var path = Path.Combine(Folder(folder), $"outcomes-{campaign.Id}.csv");
        await Task.Run(() => MarketFiles.WriteOutcomes(market, measured, path), cancellationToken);
        return path;
    }

    /// <summary>The truth for the lift report; null for a real campaign.</summary>
    public async Task<LiftTruth?> TruthAsync(Campaign campaign, LiftInput input, IReadOnlyList<CampaignCustomer> customers, CancellationToken cancellationToken)
    {
        if (await MarketOfAsync(campaign, cancellationToken) is not { } market)
        {
            return null;
        }
        var (truths, indices) = (market.Truths(), market.Indices());
        return CampaignTruth.Of(input, [.. customers.Select(c => truths[indices[c.Customer]])]);
    }

    private Task<SimulatedMarket?> MarketOfAsync(Campaign campaign, CancellationToken cancellationToken) => markets.FindAsync(campaign.AudienceId, cancellationToken);

    private static string Folder(string folder) => Directory.CreateDirectory(folder).FullName;
}
