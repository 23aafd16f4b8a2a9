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

    /// <summary>Asks for a person's approval.</summary>
    public Task SubmitAsync(Campaign campaign, CancellationToken cancellationToken) =>
        desk.SubmitAsync(campaign.Id, campaign.CreatedBy, "A demo: the ad of this world does nothing, whatever the model.", cancellationToken);

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

    /// <summary>Writes the customers or the history of an audience's market, which is stored so that its truth can be computed again.</summary>
    public async Task<string> WriteMarketAsync(long audienceId, string kind, DemoRequest request, CancellationToken cancellationToken)
    {
        // History ends where the windows of its last impressions close before the campaign.
        var ends = new DateTimeOffset(request.StartsOn.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero).AddDays(-request.WindowDays - 1);
        await markets.AddAsync(new SimulatedMarket(audienceId, request.World, request.Seed, request.Customers, ends), cancellationToken);
        var market = (await markets.FindAsync(audienceId, cancellationToken))!;
        var path = Path.Combine(Folder(request.Folder), $"{kind}-{audienceId}.csv");
        await Task.Run(() =>
        {
            if (kind == "customers")
            {
                MarketFiles.WriteCustomers(market, path);
            }
            else
            {
                MarketFiles.WriteHistory(market, request.HistoryRows, path);
            }
        }, cancellationToken);
        return path;
    }

    /// <param name="until">what happens later is not told yet; null: everything</param>
    public async Task<string> WriteOutcomesAsync(Campaign campaign, DateTimeOffset? until, string folder, CancellationToken cancellationToken)
    {
        var market = await MarketOfAsync(campaign, cancellationToken)
            ?? throw new InputException($"Campaign \"{campaign.Name}\" is real: its outcomes cannot be simulated.");
        var measured = await reader.ReadAsync(campaign.Id, Now, cancellationToken);
        var path = Path.Combine(Folder(folder), until is { } end ? FormattableString.Invariant($"outcomes-{campaign.Id}-{end:yyyyMMddHHmm}.csv") : $"outcomes-{campaign.Id}.csv");
        await Task.Run(() => MarketFiles.WriteOutcomes(market, measured, until, path), cancellationToken);
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
