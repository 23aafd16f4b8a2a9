using System.Text;
using Dapper;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Lift;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Database.Tests.KnownLift;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Lift;

/// <summary>A finished small campaign whose rows one test may alter.</summary>
internal sealed class OwnCampaign : IAsyncDisposable
{
    private readonly SmallCampaign _small = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public long Id => _small.Campaign.Id;

    public long Audience => _small.Audience.Id;

    public LiftStore Lifts => _small.Pimm.Service<LiftStore>();

    public CampaignStore Campaigns => _small.Pimm.Service<CampaignStore>();

    public Task<MeasuredCampaign> ReadAsync(DateTimeOffset? at = null) => _small.Pimm.Service<CampaignReader>().ReadAsync(Id, at ?? TimeProvider.System.GetUtcNow(), Cancel);

    public async Task<CampaignOutcomes> OutcomesAsync(DateTimeOffset? at = null) => (await ReadAsync(at)).Outcomes;

    /// <summary>Two finished campaigns of the same days, the second with the arms' models exchanged; everything exported is delivered.</summary>
    public async Task<(long First, long Second)> OverlapAsync(int impressions)
    {
        var first = _small.Campaign.Copy("first", _small.Campaign.StartsOn, "first", "tests", DateTimeOffset.UnixEpoch) with { ImpressionsPerDay = impressions };
        var second = first with { Name = "second", Salt = "second", ControlLineId = first.TreatmentLineId, TreatmentLineId = first.ControlLineId };
        // The campaign of the fixture runs at the same time: without plans it reaches nobody.
        await ExecuteAsync("delete from delivery; delete from wave_plan");
        return (await PlayAsync(first), await PlayAsync(second));
    }

    private async Task<long> PlayAsync(Campaign campaign)
    {
        var id = await Campaigns.CreateAsync(campaign, Cancel);
        await RunAsync(new JobRequest(ScoreCampaign.JobKind, campaign.Name, new { }, id));
        await _small.Pimm.ApproveAsync(id, Cancel);
        foreach (var date in campaign.WaveDates)
        {
            await RunAsync(new JobRequest(AllocateWave.JobKind, $"{campaign.Name} {date:O}", new { }, id, date));
        }
        await ExecuteAsync($"insert into delivery select customer, campaign_id, wave_date, now() from wave_plan where campaign_id = {id} and policy = arm and action = 1");
        return id;
    }

    private async Task RunAsync(JobRequest request)
    {
        var run = await _small.Pimm.RunAsync(request, Cancel);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
    }

    public async Task<long> CountAsync(string sql)
    {
        await using var connection = await _small.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<long>(sql);
    }

    public async Task<double> SumAsync(string sql)
    {
        await using var connection = await _small.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<double>(sql);
    }

    public ValueTask InitializeAsync() => _small.InitializeAsync();

    public async Task ExecuteAsync(string sql)
    {
        await using var connection = await _small.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        (await connection.ExecuteAsync(sql)).ShouldBeGreaterThan(0);
    }

    /// <summary>A batch over HTTP, of the source that the campaign's own events came from.</summary>
    /// <param name="sql">each event's JSON</param>
    public async Task<BatchAnswer> SendAsync(string sql)
    {
        await using var connection = await _small.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        var events = (await connection.QueryAsync<string>(sql)).Select(one => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(one)).ToList();
        var source = await connection.ExecuteScalarAsync<string>("select distinct source from customer_outcome");
        var taken = await _small.Pimm.Service<TakeOutcomes>().RunAsync(
            new OutcomeBatch(source!, events, FunnelOrder.Reject, Atomic: false, null), new RequestIdentity(source!, "own", new byte[32]), Cancel);
        return taken.Answer!;
    }

    public async Task<LiftReport> MeasureAsync(string key, string? askedBy = null, long? of = null)
    {
        await RunAsync(new JobRequest(MeasureLift.JobKind, key, new LiftRequest(askedBy), of ?? Id));
        return LiftReport.FromJson((await Lifts.NewestAsync(of ?? Id, Cancel))!.Report);
    }

    public ValueTask DisposeAsync() => _small.DisposeAsync();
}
