using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Importing;
using Pimm.Core.Lift;
using Pimm.Core.Networks;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Core.Training;

namespace Pimm.Core.Simulating;

/// <summary>A simulated campaign from its customers to its lift report.</summary>
/// <param name="World">a name of <see cref="MarketWorld.All"/></param>
/// <param name="Customers">eligible customers, 1,000 to 10,000,000</param>
/// <param name="HistoryRows">impressions of the twelve months before, 1,000 to 100,000,000</param>
/// <param name="ImpressionsPerDay">N of one wave in each arm</param>
/// <param name="Control">network of the control line, "random", "truth:weak", "truth:good" or "truth:effect"</param>
/// <param name="StartsOn">first wave; the campaign, its windows and its history lie in the past of today</param>
/// <param name="Folder">where the market's files are written</param>
public sealed record DemoRequest(
    string World, long Seed, int Customers, int HistoryRows, int ImpressionsPerDay, int Days, int WindowDays,
    string Control, string Treatment, string SplitMethod, DateOnly StartsOn, string Folder)
{
    public string AudienceName => $"Simulated market: {World}{Variant}";

    public string CampaignName => string.Concat(
        $"{Capital(Control)} against {Capital(Treatment)}, {World} world{Variant}",
        ImpressionsPerDay == Customers / 100 ? "" : FormattableString.Invariant($", {ImpressionsPerDay:N0} a day"),
        SplitMethod == "best-of" ? "" : $", split {SplitMethod}");

    // A second demo of other dimensions is another one; the same request goes on where the first was interrupted.
    private string Variant => string.Concat(
        Seed == 1 ? "" : $", seed {Seed}",
        Customers == 200_000 ? "" : FormattableString.Invariant($", {Customers:N0} customers"),
        HistoryRows == 240_000 ? "" : FormattableString.Invariant($", {HistoryRows:N0} past impressions"));

    private static string Capital(string network) => network switch
    {
        "pimm" => "PIMM",
        "shared-bottom" => "Shared-Bottom",
        "htlnet" => "HTLNet",
        "mmoe" => "MMoE",
        _ when NetworkCatalog.Names.Contains(network) => network.ToUpperInvariant(),
        _ => network,
    };

    /// <exception cref="InputException">a value is out of its range</exception>
    public DemoRequest Validated()
    {
        _ = MarketWorld.Named(World);
        if (Seed < 0)
        {
            throw new InputException($"The demo's seed is {Seed}: give 0 or more.");
        }
        if (Customers is < 1_000 or > 10_000_000)
        {
            throw new InputException($"The demo's customers are {Customers}: choose 1,000 to 10,000,000.");
        }
        if (HistoryRows is < 1_000 or > 100_000_000)
        {
            throw new InputException($"The demo's history has {HistoryRows} rows: choose 1,000 to 100,000,000.");
        }
        // A month's impressions, half of them chosen, need customers to choose from.
        if (Customers < HistoryRows / 6)
        {
            throw new InputException($"{HistoryRows} impressions of a year are too many for {Customers} customers: give at least {HistoryRows / 6} customers or fewer --history.");
        }
        return this;
    }
}

/// <summary>
/// Plays everybody around the product: writes the market's files, asks for each stage's run as a page would, waits for it, and
/// sends the outcomes back. Started again it goes on where it was interrupted, since every run has its key.
/// </summary>
public sealed class RunDemo(AudienceStore audiences, ModelStore models, CampaignStore campaigns, JobQueue queue, MarketPlayer market)
{
    private const string TimeZone = "Asia/Shanghai";

    /// <returns>the campaign's id</returns>
    public async Task<long> RunAsync(DemoRequest request, Action<string> tell, CancellationToken cancellationToken)
    {
        request.Validated();
        var audience = await ImportAsync(request, tell, cancellationToken);
        var campaign = await TrainAsync(request, audience, tell, cancellationToken);

        tell("scoring every customer with both models");
        await DoAsync(new JobRequest(ScoreCampaign.JobKind, $"demo/{campaign.Id}", new { }, campaign.Id), cancellationToken);
        await market.ApproveAsync(campaign, cancellationToken);
        foreach (var date in campaign.WaveDates)
        {
            tell($"wave of {date:yyyy-MM-dd}: selecting and exporting {campaign.ImpressionsPerDay:N0} customers in each arm");
            await DoAsync(new JobRequest(AllocateWave.JobKind, $"demo/{campaign.Id}/{date:yyyy-MM-dd}", new { }, campaign.Id, date), cancellationToken);
            await DoAsync(new JobRequest(ExportWave.JobKind, $"demo/{campaign.Id}/{date:yyyy-MM-dd}", new { }, campaign.Id, date), cancellationToken);
        }

        tell("taking the outcomes in");
        var outcomes = await market.WriteOutcomesAsync(campaign, request.Folder, cancellationToken);
        await DoAsync(new JobRequest(ImportOutcomes.JobKind, $"demo/{campaign.Id}", new OutcomesRequest(audience.Id, outcomes, "simulated market"), campaign.Id), cancellationToken);
        tell("measuring the lift");
        await DoAsync(new JobRequest(MeasureLift.JobKind, $"demo/{campaign.Id}", new { }, campaign.Id), cancellationToken);
        return campaign.Id;
    }

    private async Task<Audience> ImportAsync(DemoRequest request, Action<string> tell, CancellationToken cancellationToken)
    {
        var audience = await audiences.FindByNameAsync(request.AudienceName, cancellationToken);
        var id = audience?.Id ?? await audiences.CreateAsync(request.AudienceName, "customer", MarketFiles.Columns, MarketFiles.Funnel, simulated: true, cancellationToken);
        tell($"importing {request.Customers:N0} customers and {request.HistoryRows:N0} impressions of a year");
        var (customers, history) = await market.WriteMarketAsync(id, request, cancellationToken);
        await DoAsync(new JobRequest(ImportFile.JobKind, $"demo/{id}/customers", new ImportRequest(id, "customers", customers)), cancellationToken);
        await DoAsync(new JobRequest(ImportFile.JobKind, $"demo/{id}/history", new ImportRequest(id, "history", history)), cancellationToken);
        return await audiences.GetAsync(id, cancellationToken);
    }

    private async Task<Campaign> TrainAsync(DemoRequest request, Audience audience, Action<string> tell, CancellationToken cancellationToken)
    {
        var control = await LineAsync(audience.Id, request.Control, cancellationToken);
        var treatment = await LineAsync(audience.Id, request.Treatment, cancellationToken);
        var campaign = await campaigns.FindByNameAsync(request.CampaignName, cancellationToken)
            ?? await campaigns.GetAsync(await campaigns.CreateAsync(CampaignOf(request, audience, control, treatment), cancellationToken), cancellationToken);
        foreach (var line in (ModelLine[])[control, treatment])
        {
            tell($"training {line.Name}");
            await DoAsync(new JobRequest(
                TrainModelLine.JobKind, $"demo/{line.Id}", new TrainLineRequest(line.Id, request.Seed, campaign.StartsAt, campaign.WindowDays)), cancellationToken);
        }
        return campaign;
    }

    private async Task<ModelLine> LineAsync(long audienceId, string network, CancellationToken cancellationToken)
    {
        var line = await models.FindLineAsync(audienceId, network, cancellationToken);
        return line ?? await models.GetLineAsync(await models.CreateLineAsync(audienceId, network, network, cancellationToken: cancellationToken), cancellationToken);
    }

    private Campaign CampaignOf(DemoRequest request, Audience audience, ModelLine control, ModelLine treatment) => new(
        0, request.CampaignName, audience.Id, control.Id, treatment.Id, TimeZone, request.StartsOn, request.Days, request.WindowDays,
        request.ImpressionsPerDay, HoldbackShare: 0.1, ExplorationShare: 0.05, request.SplitMethod, SplitCandidates: 100,
        Salt: $"demo/{request.CampaignName}", CreatedBy: "demo", market.Now,
        // The share of customers who convert by any route within the windows, known from earlier campaigns.
        PlannedConversions: Math.Max(1, request.Customers / 120), Segments: ["device", "control-score"],
        Guardrails: Guardrail.ToJson([new Guardrail("amount", 0.25), new Guardrail("click", 0.25)]));

    /// <summary>Asks for a run and waits for its end; one that failed ends the demo with its sentence.</summary>
    private async Task DoAsync(JobRequest request, CancellationToken cancellationToken)
    {
        var id = await queue.EnqueueAsync(request, cancellationToken);
        if ((await queue.GetAsync(id, cancellationToken)).State is JobStates.Failed or JobStates.Cancelled)
        {
            // Asked for again: what stopped it last time may be mended.
            await queue.RetryAsync(id, cancellationToken);
        }
        var run = await queue.WaitAsync(id, cancellationToken);
        if (run.State != JobStates.Succeeded)
        {
            throw new InvalidOperationException($"The run {run.Id} ({run.Kind}) {run.State}: {run.ErrorSentence} See pimm runs show {run.Id}.");
        }
    }
}
