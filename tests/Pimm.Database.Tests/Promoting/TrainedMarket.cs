using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Simulating;
using Pimm.Testing;
using Shouldly;

namespace Pimm.Database.Tests.Promoting;

/// <summary>A simulated audience with a year of history and nothing else.</summary>
/// <param name="Ends">no impression is later</param>
public sealed record TrainedMarket(long AudienceId, DateTimeOffset Ends)
{
    public static async Task<TrainedMarket> ImportAsync(PimmInstance pimm, int historyRows, CancellationToken cancellationToken)
    {
        var request = new DemoRequest("base", Seed: 1, Customers: historyRows / 2, historyRows, ImpressionsPerDay: 60, Days: 3, WindowDays: 30, "random", "random", "plain", new DateOnly(2026, 3, 2), pimm.Folder);
        var id = await pimm.Service<AudienceStore>().CreateAsync("market", "customer", MarketFiles.Columns, MarketFiles.Funnel, simulated: true, cancellationToken);
        var history = await pimm.Service<MarketPlayer>().WriteMarketAsync(id, "history", request, cancellationToken);
        var run = await pimm.RunAsync(new JobRequest(ImportFile.JobKind, "history", new ImportRequest(id, "history", history)), cancellationToken);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        return new(id, new DateTimeOffset(2026, 3, 2, 0, 0, 0, TimeSpan.Zero).AddDays(-31));
    }
}
