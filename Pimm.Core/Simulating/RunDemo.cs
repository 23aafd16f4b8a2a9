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
    /// <summary>What <c>./pimm demo</c> plays: its window has closed today.</summary>
    public static DemoRequest Usual(DateOnly today, string folder) =>
        new("base", 1, 200_000, 240_000, 2_000, 5, 30, "shared-bottom", "pimm", "best-of", today.AddDays(-37), folder);

    /// <summary>What the campaign is called; null: by its models, its world and whatever of its dimensions is unusual.</summary>
    public string? Title { get; init; }

    public string AudienceName => $"Simulated market: {World}{(Title is null ? Variant : $", small{OtherSeed}")}";

    public string CampaignName => Title is null ? DescribedName : $"{Title}, {World} world{OtherSeed}";

    private string DescribedName => string.Concat(
        $"{Capital(Control)} against {Capital(Treatment)}, {World} world{Variant}",
        ImpressionsPerDay == Customers / 100 ? "" : FormattableString.Invariant($", {ImpressionsPerDay:N0} a day"),
        SplitMethod == "best-of" ? "" : $", split {SplitMethod}");

    // A second demo of other dimensions is another one; the same request goes on where the first was interrupted.
    private string Variant => string.Concat(
        OtherSeed,
        Customers == 200_000 ? "" : FormattableString.Invariant($", {Customers:N0} customers"),
        HistoryRows == 240_000 ? "" : FormattableString.Invariant($", {HistoryRows:N0} past impressions"));

    private string OtherSeed => Seed == 1 ? "" : $", seed {Seed}";

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
    internal const string OutcomeSource = "simulated market";

    private const string TimeZone = "Asia/Shanghai";

    /// <returns>the campaign's id</returns>
    public Task<long> RunAsync(DemoRequest request, Action<string> tell, CancellationToken cancellationToken) =>
        RunAsync(request, new DemoPace(tell, Waits: true, cancellationToken));

    internal async Task<long> RunAsync(DemoRequest request, DemoPace pace)
    {
        var campaign = await PrepareAsync(request, pace);
        await PlayAsync(campaign, campaign.WaveDates, pace);
        await MeasureAsync(campaign, null, request.Folder, pace);
        return campaign.Id;
    }

    /// <summary>Market, models, campaign and scores: everything before the first wave.</summary>
    internal async Task<Campaign> PrepareAsync(DemoRequest request, DemoPace pace)
    {
        request.Validated();
        var audience = await ImportAsync(request, pace);
        var campaign = await TrainAsync(request, audience, pace);
        pace.Tell("scoring every customer with both models");
        await DoAsync(new JobRequest(ScoreCampaign.JobKind, $"demo/{campaign.Id}", new { }, campaign.Id), pace);
        return campaign;
    }

    internal async Task PlayAsync(Campaign campaign, IEnumerable<DateOnly> dates, DemoPace pace)
    {
        await market.ApproveAsync(campaign, pace.Cancellation);
        foreach (var date in dates)
        {
            pace.Tell($"wave of {date:yyyy-MM-dd}: selecting and exporting {campaign.ImpressionsPerDay:N0} customers in each arm");
            await DoAsync(new JobRequest(AllocateWave.JobKind, $"demo/{campaign.Id}/{date:yyyy-MM-dd}", new { }, campaign.Id, date), pace);
            await DoAsync(new JobRequest(ExportWave.JobKind, $"demo/{campaign.Id}/{date:yyyy-MM-dd}", new { }, campaign.Id, date), pace);
        }
    }

    /// <param name="until">what happens later is not told yet; null: everything</param>
    internal async Task MeasureAsync(Campaign campaign, DateTimeOffset? until, string folder, DemoPace pace)
    {
        pace.Tell("taking the outcomes in");
        var key = until is { } end ? $"demo/{campaign.Id}/{end:yyyy-MM-dd}" : $"demo/{campaign.Id}";
        await DoAsync(ImportOutcomes.JobKind, key, async () => new JobRequest(
            ImportOutcomes.JobKind, key, new OutcomesRequest(campaign.AudienceId, await market.WriteOutcomesAsync(campaign, until, folder, pace.Cancellation), OutcomeSource), campaign.Id), pace);
        pace.Tell("measuring the lift");
        await DoAsync(new JobRequest(MeasureLift.JobKind, key, new { }, campaign.Id), pace);
    }

    private async Task<Audience> ImportAsync(DemoRequest request, DemoPace pace)
    {
        var audience = await audiences.FindByNameAsync(request.AudienceName, pace.Cancellation);
        var id = audience?.Id ?? await audiences.CreateAsync(request.AudienceName, "customer", MarketFiles.Columns, MarketFiles.Funnel, simulated: true, pace.Cancellation);
        pace.Tell($"importing {request.Customers:N0} customers and {request.HistoryRows:N0} impressions of a year");
        foreach (var kind in (string[])["customers", "history"])
        {
            var key = FormattableString.Invariant($"demo/{id}/{kind}");
            await DoAsync(ImportFile.JobKind, key, async () =>
                new JobRequest(ImportFile.JobKind, key, new ImportRequest(id, kind, await market.WriteMarketAsync(id, kind, request, pace.Cancellation))), pace);
        }
        return await audiences.GetAsync(id, pace.Cancellation);
    }

    private async Task<Campaign> TrainAsync(DemoRequest request, Audience audience, DemoPace pace)
    {
        var control = await LineAsync(audience.Id, request.Control, pace.Cancellation);
        var treatment = await LineAsync(audience.Id, request.Treatment, pace.Cancellation);
        var campaign = await campaigns.FindByNameAsync(request.CampaignName, pace.Cancellation)
            ?? await campaigns.GetAsync(await campaigns.CreateAsync(CampaignOf(request, audience, control, treatment), pace.Cancellation), pace.Cancellation);
        foreach (var line in (ModelLine[])[control, treatment])
        {
            pace.Tell($"training {line.Name}");
            await DoAsync(new JobRequest(
                TrainModelLine.JobKind, $"demo/{line.Id}", new TrainLineRequest(line.Id, request.Seed, campaign.StartsAt, campaign.WindowDays)), pace);
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
    internal Task DoAsync(JobRequest request, DemoPace pace) => DoAsync(request.Kind, request.DedupeKey, () => Task.FromResult(request), pace);

    /// <param name="make">of a run that is not known yet; writes the file that it reads</param>
    private async Task DoAsync(string kind, string key, Func<Task<JobRequest>> make, DemoPace pace)
    {
        var known = await queue.FindAsync(kind, key, pace.Cancellation);
        if (known is { State: JobStates.Succeeded })
        {
            return;
        }
        var id = known?.Id ?? await queue.EnqueueAsync(await make(), pace.Cancellation);
        if (known is { State: JobStates.Failed or JobStates.Cancelled })
        {
            // Asked for again: what stopped it last time may be mended.
            await queue.RetryAsync(id, pace.Cancellation);
        }
        if (!pace.Waits)
        {
            throw new DemoPause(id);
        }
        var run = await queue.WaitAsync(id, pace.Cancellation);
        if (run.State != JobStates.Succeeded)
        {
            throw new InvalidOperationException($"The run {run.Id} ({run.Kind}) {run.State}: {run.ErrorSentence} See pimm runs show {run.Id}.");
        }
    }
}

/// <summary>How a demo is played.</summary>
/// <param name="Waits">for each run's end; else a <see cref="DemoPause"/> says which run must succeed before it is played on</param>
internal sealed record DemoPace(Action<string> Tell, bool Waits, CancellationToken Cancellation);

/// <summary>Nothing is wrong: the demo goes on when this run has succeeded.</summary>
internal sealed class DemoPause(long runId) : Exception($"The demo waits for run {runId}.")
{
    public long RunId { get; } = runId;
}
