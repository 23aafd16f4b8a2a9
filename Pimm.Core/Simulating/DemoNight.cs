using Dapper;
using Npgsql;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Lift;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;

namespace Pimm.Core.Simulating;

/// <summary>
/// A jump in time: plays the next night and day of every simulated campaign that runs, ahead of the clock where need be, and when all
/// its days are played the time until its last window closes. A simulated market lives in a time of its own; a real campaign is never
/// touched.
/// </summary>
public sealed class DemoNight(NpgsqlDataSource database, CampaignStore campaigns, JobQueue queue)
{
    private const string SelectPlayed =
        """
        select c.id, (select max(w.wave_date) from wave w where w.campaign_id = c.id) as newest_wave,
               exists (select from scoring s where s.campaign_id = c.id and s.finished_at is not null) as has_scores,
               (select max(r.as_of) from lift_report r where r.campaign_id = c.id) as reported_as_of
          from campaign c join audience a on a.id = c.audience_id join campaign_life l on l.campaign_id = c.id
         where a.simulated and l.state in ('approved', 'scheduled', 'running', 'completed')
         order by c.id
        """;

    /// <param name="by">who asks, as the audit names actors</param>
    /// <returns>the last run of each campaign: when it has succeeded, the night is over</returns>
    /// <exception cref="InputException">no simulated campaign has a night or a window left</exception>
    public async Task<IReadOnlyList<long>> StartAsync(string by, string folder, CancellationToken cancellationToken)
    {
        var started = new List<long>();
        foreach (var played in await PlayedAsync(cancellationToken))
        {
            var campaign = await campaigns.GetAsync(played.Id, cancellationToken);
            if (played.NightLeft(campaign) is { } date)
            {
                started.Add(await PlayAsync(campaign, date, played.HasScores, by, folder, cancellationToken));
            }
            else if (played.ReportedAsOf < campaign.ClosesAt)
            {
                started.Add(await AskAsync(new JobRequest(DemoDay.JobKind, "", new DemoDayRequest(folder)), campaign, campaign.DateOf(campaign.ClosesAt), by, cancellationToken));
            }
        }
        return started.Count > 0 ? started
            : throw new InputException("No simulated campaign has a night or an open window left: approve the one that waits, or load the demo anew with ./pimm demo reset.");
    }

    /// <summary>As a schedule's night: scores where there are none, the wave, its lists; and behind them the day.</summary>
    private async Task<long> PlayAsync(Campaign campaign, DateOnly date, bool hasScores, string by, string folder, CancellationToken cancellationToken)
    {
        long[] before = hasScores ? [] : [await AskAsync(new JobRequest(ScoreCampaign.JobKind, "", new { }), campaign, null, by, cancellationToken)];
        foreach (var request in (JobRequest[])[new(AllocateWave.JobKind, "", new { }), new(ExportWave.JobKind, "", new { }), new(DemoDay.JobKind, "", new DemoDayRequest(folder))])
        {
            before = [await AskAsync(request with { After = before }, campaign, date, by, cancellationToken)];
        }
        return before[0];
    }

    private Task<long> AskAsync(JobRequest request, Campaign campaign, DateOnly? date, string by, CancellationToken cancellationToken) => queue.EnqueueAsync(
        request with { DedupeKey = date is { } day ? FormattableString.Invariant($"demo/{campaign.Id}/{day:yyyy-MM-dd}") : $"demo/{campaign.Id}", CampaignId = campaign.Id, LogicalDate = date }, by, cancellationToken);

    private async Task<IReadOnlyList<Played>> PlayedAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<Played>(new CommandDefinition(SelectPlayed, cancellationToken: cancellationToken))];
    }

    /// <summary>How far a simulated campaign has been played.</summary>
    private sealed record Played(long Id, DateOnly? NewestWave, bool HasScores, DateTimeOffset? ReportedAsOf)
    {
        public DateOnly? NightLeft(Campaign campaign)
        {
            var next = NewestWave?.AddDays(1) ?? campaign.StartsOn;
            return next < campaign.StartsOn.AddDays(campaign.Days) ? next : null;
        }
    }
}

/// <param name="Folder">where the outcome file is written</param>
public sealed record DemoDayRequest(string Folder);

/// <summary>A day of a simulated campaign ends: the market answers to what was shown until then, and what came back is asked to be counted.</summary>
public sealed class DemoDay(CampaignStore campaigns, MarketPlayer market, JobQueue queue) : IJob
{
    public const string JobKind = "demo-day";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var campaign = await campaigns.GetAsync(run.RequiredCampaignId, cancellationToken);
        var date = run.LogicalDate ?? throw new InputException("A day of the demo needs its date.");
        var ends = campaign.StartOf(date.AddDays(1));
        run.Report(0.2, $"the market answers until the end of {date:yyyy-MM-dd}");
        // By the day until which is told, as the runs that loaded the demo.
        var outcomes = await market.WriteOutcomesAsync(campaign, ends, run.ReadArguments<DemoDayRequest>().Folder, cancellationToken);
        var key = FormattableString.Invariant($"demo/{campaign.Id}/{date.AddDays(1):yyyy-MM-dd}");
        await run.CompleteAsync(new { day = date, until = ends }, async connection =>
        {
            var taken = await queue.EnqueueAsync(new JobRequest(
                ImportOutcomes.JobKind, key, new OutcomesRequest(campaign.AudienceId, outcomes, RunDemo.OutcomeSource), campaign.Id), connection);
            await queue.EnqueueAsync(new JobRequest(MeasureLift.JobKind, key, new LiftRequest { AsOf = ends }, campaign.Id, After: [taken]), connection);
        }, cancellationToken);
    }
}
