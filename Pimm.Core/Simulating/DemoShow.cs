using Dapper;
using Npgsql;
using Pimm.Core.Allocating;
using Pimm.Core.Approving;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Lift;
using Pimm.Core.Queueing;
using Pimm.Core.Training;

namespace Pimm.Core.Simulating;

/// <summary>
/// An installation in which every page has something to show: the three worlds of the simulated market as a finished campaign, a
/// running one and one that waits for approval, several versions of the finished one's models, and an import that failed. Started
/// again it goes on where it was interrupted.
/// </summary>
public sealed class DemoShow(RunDemo demo, DemoState state, JobQueue queue, ModelStore models, MarketPlayer market)
{
    /// <summary>Where the market's files are written: PIMM_DEMO_FOLDER, else the folder demo where the process was started.</summary>
    public static string Folder => Environment.GetEnvironmentVariable("PIMM_DEMO_FOLDER") ?? Path.Combine(Environment.CurrentDirectory, "demo");

    /// <param name="today">the finished campaign's window closed before it, the running one began two days before it</param>
    public Task RunAsync(DateOnly today, string folder, Action<string> tell, CancellationToken cancellationToken) =>
        RunAsync(today, new LoadDemoRequest(folder), new DemoPace(tell, Waits: true, cancellationToken));

    internal async Task RunAsync(DateOnly today, LoadDemoRequest size, DemoPace pace)
    {
        var folder = size.Folder;
        DemoRequest Small(string title, string world, string control, string treatment, DateOnly startsOn, int days) =>
            new(world, size.Seed, size.Customers / 4, 1_000, size.Customers / 400, days, 30, control, treatment, "best-of", startsOn, folder) { Title = title };

        var waiting = await state.DatedAsync(Small("Nobody's choice against the likeliest", "null", "random", "truth:good", today.AddDays(1), 5), pace.Cancellation);
        if (await state.SubmittedAsync(waiting, pace.Cancellation))
        {
            return;
        }
        var finished = await state.DatedAsync(DemoRequest.Usual(today, folder) with { Seed = size.Seed, Customers = size.Customers, HistoryRows = size.Customers / 5 * 6, ImpressionsPerDay = size.Customers / 100 }, pace.Cancellation);
        var first = await state.MeasuredAsync(finished, pace.Cancellation) ?? await state.CampaignAsync(await demo.RunAsync(finished, pace), pace.Cancellation);
        await RunningAsync(await state.DatedAsync(Small("The likeliest against the most moved", "harvest", "truth:good", "truth:effect", today.AddDays(-2), 14), pace.Cancellation), pace);
        await RetrainAsync(first, pace);
        await FailAsync(first, folder, pace);
        // Last, since it says that the demo was loaded.
        await market.SubmitAsync(await demo.PrepareAsync(waiting, pace), pace.Cancellation);
        pace.Tell("the demo is complete");
    }

    private async Task RunningAsync(DemoRequest request, DemoPace pace)
    {
        if (await state.MeasuredAsync(request, pace.Cancellation) is not null)
        {
            return;
        }
        var campaign = await demo.PrepareAsync(request, pace);
        await demo.PlayAsync(campaign, campaign.WaveDates.Take(2), pace);
        await demo.MeasureAsync(campaign, campaign.StartOf(campaign.StartsOn.AddDays(2)), request.Folder, pace);
    }

    /// <summary>A file in which a number column holds words in a fifth of the rows: above the share that is accepted.</summary>
    private async Task FailAsync(Campaign campaign, string folder, DemoPace pace)
    {
        pace.Tell("sending a file with errors");
        var path = Path.Combine(folder, "customers-with-errors.csv");
        await Task.Run(() => MarketFiles.WriteBrokenCustomers(path), pace.Cancellation);
        await queue.EnqueueAsync(new JobRequest(ImportFile.JobKind, $"demo/{campaign.AudienceId}/broken", new ImportRequest(campaign.AudienceId, "customers", path), MaxAttempts: 1), pace.Cancellation);
    }

    /// <summary>As nights would: each version on what is known by then, none of them better by construction.</summary>
    private async Task RetrainAsync(Campaign campaign, DemoPace pace)
    {
        foreach (var (line, versions) in new[] { (campaign.TreatmentLineId, 4), (campaign.ControlLineId, 2) })
        {
            var name = (await models.GetLineAsync(line, pace.Cancellation)).Name;
            for (var version = 2; version <= versions; version++)
            {
                pace.Tell($"training {name} again, version {version} of {versions}");
                var asOf = campaign.StartsAt.AddDays(version == versions ? campaign.Days + campaign.WindowDays : version);
                await demo.DoAsync(new JobRequest(
                    TrainModelLine.JobKind, $"demo/{line}/{version}", new TrainLineRequest(line, version, asOf, campaign.WindowDays, AcceptChange: true)), pace);
            }
        }
    }
}

/// <summary>How far a demo has come.</summary>
public sealed class DemoState(NpgsqlDataSource database, CampaignStore campaigns, LiftStore lifts, LifeStore lives)
{
    private const string SelectAny = "select exists (select from audience where simulated = @simulated)";

    /// <summary>Whether there are real customers.</summary>
    public Task<bool> AnyRealAsync(CancellationToken cancellationToken = default) => AnyAsync(false, cancellationToken);

    public Task<bool> AnySimulatedAsync(CancellationToken cancellationToken = default) => AnyAsync(true, cancellationToken);

    private async Task<bool> AnyAsync(bool simulated, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<bool>(new CommandDefinition(SelectAny, new { simulated }, cancellationToken: cancellationToken));
    }

    /// <summary>The request with the dates of its campaign, where that was begun on an earlier day.</summary>
    internal async Task<DemoRequest> DatedAsync(DemoRequest request, CancellationToken cancellationToken) =>
        await campaigns.FindByNameAsync(request.CampaignName, cancellationToken) is { } begun ? request with { StartsOn = begun.StartsOn } : request;

    /// <returns>the campaign, when it has a lift report</returns>
    internal async Task<Campaign?> MeasuredAsync(DemoRequest request, CancellationToken cancellationToken) =>
        await campaigns.FindByNameAsync(request.CampaignName, cancellationToken) is { } campaign && await lifts.NewestAsync(campaign.Id, cancellationToken) is not null ? campaign : null;

    internal async Task<bool> SubmittedAsync(DemoRequest request, CancellationToken cancellationToken) =>
        await campaigns.FindByNameAsync(request.CampaignName, cancellationToken) is { } campaign
        && (await lives.ReadAsync(campaign.Id, cancellationToken: cancellationToken))!.SubmittedBy is not null;

    internal Task<Campaign> CampaignAsync(long id, CancellationToken cancellationToken) => campaigns.GetAsync(id, cancellationToken);
}

/// <param name="Folder">where the market's files are written</param>
/// <param name="Step">how many steps were taken before</param>
/// <param name="Customers">of the base world, 8,000 to 1,000,000; the other two have a quarter</param>
/// <param name="Seed">another seed is another demo beside the first</param>
public sealed record LoadDemoRequest(string Folder, int Step = 0, int Customers = 200_000, long Seed = 1);

/// <summary>Loads the demo by runs that follow one another: each asks for the next step's work and for its own successor behind that.</summary>
public sealed class LoadDemo(DemoShow show, JobQueue queue, TimeProvider time) : IJob
{
    public const string JobKind = "demo";

    public string Kind => JobKind;

    public static JobRequest First(LoadDemoRequest request) => new(JobKind, FormattableString.Invariant($"demo/{request.Seed}/0"), request);

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.ReadArguments<LoadDemoRequest>();
        long? next = null;
        try
        {
            await show.RunAsync(DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime), request, new DemoPace(message => run.Report(0.5, message), Waits: false, cancellationToken));
        }
        catch (DemoPause pause)
        {
            next = pause.RunId;
        }
        await run.CompleteAsync(new { step = request.Step, waitsFor = next }, async connection =>
        {
            if (next is { } work)
            {
                var step = request.Step + 1;
                await queue.EnqueueAsync(new JobRequest(JobKind, FormattableString.Invariant($"demo/{request.Seed}/{step}"), request with { Step = step }, After: [work]), connection);
            }
        }, cancellationToken);
    }
}
