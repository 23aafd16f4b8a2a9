using Dapper;
using Npgsql;
using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;

namespace Pimm.Core.Scheduling;

/// <summary>Reads what a schedule's firing depends on.</summary>
public sealed class ScheduleFacts(NpgsqlDataSource database, CampaignStore campaigns, ScoringStore scorings)
{
    public async Task<int?> LongestWindowAsync(long modelLineId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<int?>(new CommandDefinition(SelectLongestWindow, new { modelLineId }, cancellationToken: cancellationToken));
    }

    public async Task<CampaignFacts> CampaignAsync(long id, CancellationToken cancellationToken)
    {
        var campaign = await campaigns.GetAsync(id, cancellationToken);
        var scores = await scorings.NewestAsync(id, cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var open = await connection.ExecuteScalarAsync<long?>(new CommandDefinition(SelectOpenScoring, new { id, ScoreCampaign.JobKind }, cancellationToken: cancellationToken));
        return new CampaignFacts(campaign, scores is not null, open);
    }

    /// <summary>Campaigns that had a wave.</summary>
    public async Task<IReadOnlyList<ReportedCampaign>> ReportedAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var rows = (await connection.QueryAsync<ReportRow>(new CommandDefinition(SelectReported, cancellationToken: cancellationToken))).ToList();
        var read = new List<ReportedCampaign>();
        foreach (var (id, at) in rows)
            read.Add(new ReportedCampaign(await campaigns.GetAsync(id, cancellationToken), at));
        return read;
    }

    /// <summary>A queued run of the kind; null: none waits.</summary>
    public async Task<long?> WaitingAsync(string kind, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long?>(new CommandDefinition(SelectWaiting, new { kind }, cancellationToken: cancellationToken));
    }

    public async Task<ScheduledWork> DecideAsync(Schedule schedule, Occasion occasion, DateTimeOffset now, CancellationToken cancellationToken) => schedule.Kind switch
    {
        ScheduleKinds.Retrain => ScheduledWork.Retrain(schedule, occasion, await LongestWindowAsync(schedule.ModelLineId!.Value, cancellationToken)),
        ScheduleKinds.Campaign => ScheduledWork.OfCampaign(schedule, await CampaignAsync(schedule.CampaignId!.Value, cancellationToken), occasion, now),
        ScheduleKinds.Lift => ScheduledWork.Lift(await ReportedAsync(cancellationToken)),
        _ => ScheduledWork.Single(schedule.Kind),
    };

    private const string SelectLongestWindow = "select max(window_days) from campaign where @modelLineId in (control_line_id, treatment_line_id)";

    private const string SelectOpenScoring = "select min(id) from job_run where kind = @JobKind and campaign_id = @id and state in ('queued', 'running')";

    private sealed record ReportRow(long Id, DateTimeOffset? At);

    private const string SelectReported = """
        select c.id, (select max(l.computed_at) from lift_report l where l.campaign_id = c.id) as at
          from campaign c
         where exists (select from wave w where w.campaign_id = c.id)
         order by c.id
        """;

    private const string SelectWaiting = "select min(id) from job_run where kind = @kind and state = 'queued'";
}
