using Dapper;
using Npgsql;
using Pimm.Core.Campaigns;
using Pimm.Core.Database;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Core.Scoring;

/// <summary>Unfinished scorings and their shards. A shard belongs to one attempt of a run for as long as that holds the run's lease.</summary>
public sealed class ScoreShardStore(NpgsqlDataSource database, TimeProvider time)
{
    private const string SelectPlanOfRun =
        """
        select s.id as scoring_id, s.campaign_id, s.audience_version, s.control_version_id, s.treatment_version_id,
               c.weights_sha256 is not distinct from s.control_sha256 and t.weights_sha256 is not distinct from s.treatment_sha256 as models_unchanged,
               s.definition
          from scoring s join model_version c on c.id = s.control_version_id join model_version t on t.id = s.treatment_version_id
         where s.run_id = @runId and s.finished_at is null
         order by s.id desc limit 1
        """;

    private const string DiscardAbandoned =
        """
        select count(*) filter (where discard_scoring(s.id, @runId)) from scoring s join job_run j on j.id = s.run_id
         where s.campaign_id = @campaignId and s.finished_at is null and j.state in ('failed', 'cancelled', 'succeeded')
        """;

    private const string InsertPlan =
        """
        insert into scoring(campaign_id, audience_version, control_version_id, treatment_version_id, control_sha256, treatment_sha256, customers, exclusions, run_id, definition)
        select @CampaignId, @AudienceVersion, c.id, t.id, c.weights_sha256, t.weights_sha256, 0, '[]', @runId, @Definition
          from model_version c, model_version t where c.id = @ControlVersionId and t.id = @TreatmentVersionId
        returning id
        """;

    private const string InsertShard =
        "insert into score_shard(scoring_id, shard, first_customer, next_customer) values (@id, @Shard, @FirstCustomer, @NextCustomer)";

    // Not for a run that is given up: what is scored for it then is thrown away.
    private const string Claim =
        """
        update score_shard h set run_id = @RunId, fence = @Fence
         where (h.scoring_id, h.shard) = (
               select f.scoring_id, f.shard
                 from score_shard f join scoring s on s.id = f.scoring_id
                 join job_run j on j.id = s.run_id and j.state in ('queued', 'running') and not j.cancel_requested
                where f.scoring_id = @scoringId and f.finished_at is null and s.finished_at is null
                  and (f.run_id is null or not holds_lease(f.run_id, f.fence))
                order by f.shard limit 1 for update of f skip locked)
        returning h.shard, h.first_customer, h.next_customer
        """;

    private const string HoldShard =
        """
        select shard from score_shard
         where scoring_id = @scoringId and shard = @shard and run_id = @RunId and fence = @Fence and finished_at is null for update
        """;

    private const string FinishShard =
        """
        update score_shard set asked = @Asked, scored = @scored, exclusions = @Exclusions, checksum = @Checksum, finished_at = clock_timestamp()
         where scoring_id = @scoringId and shard = @shard
        """;

    private const string SelectProgress =
        """
        select count(*) as shards, count(finished_at) as done, coalesce(sum(asked), 0)::bigint as asked, coalesce(sum(scored), 0)::bigint as scored
          from score_shard where scoring_id = @scoringId
        """;

    private const string SelectExclusions = "select exclusions from score_shard where scoring_id = @scoringId and finished_at is not null order by shard";

    private const string Finish = "select finish_scoring(@scoringId, @eligible, @funnel::jsonb, @at)";

    private const string Discard = "select discard_scoring(@scoringId, @runId)";

    // Those who had a shard, and earlier attempts at the whole: what they still hold nobody could take.
    private const string EndLost =
        """
        select end_lost_attempts(lost.run_id) from (
            select run_id from scoring where id = @scoringId
            union select run_id from score_shard where scoring_id = @scoringId and finished_at is null and not holds_lease(run_id, fence)) lost
         where lost.run_id is not null
        """;

    private const string EndAbandoned =
        """
        select end_lost_attempts(lost.run_id) from (
            select h.run_id from scoring s join job_run j on j.id = s.run_id join score_shard h on h.scoring_id = s.id
             where s.campaign_id = @CampaignId and s.finished_at is null and j.state in ('failed', 'cancelled', 'succeeded')
            union select s.run_id from scoring s where s.campaign_id = @CampaignId and s.finished_at is null) lost
         where lost.run_id is not null
        """;

    // Nothing is left for those that no worker has taken yet.
    private const string EndAssistants =
        """
        update job_run set state = 'succeeded', result = '{"shards": 0, "customers": 0}', progress = 1, finished_at = clock_timestamp()
         where kind = 'score-shard' and state = 'queued' and campaign_id = @campaignId and (arguments->>'runId')::bigint = @RunId
        """;

    /// <summary>The run's own unfinished scoring, if an attempt of it has planned one.</summary>
    public async Task<ScorePlan?> FindPlanAsync(long runId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ScorePlan>(new CommandDefinition(SelectPlanOfRun, new { runId }, cancellationToken: cancellationToken));
    }

    /// <summary>
    /// Adds an unfinished scoring with its shards, and who is left out of it, in the caller's transaction; what runs that ended left
    /// unfinished goes.
    /// </summary>
    /// <returns>the scoring's id</returns>
    public async Task<long> AddAsync(
        NpgsqlConnection connection, Campaign campaign, Audience audience, ScorePlan plan, IReadOnlyList<ScoreShard> shards, long runId)
    {
        await connection.ExecuteAsync(EndAbandoned, new { plan.CampaignId });
        await connection.ExecuteAsync(DiscardAbandoned, new { plan.CampaignId, runId });
        var id = await connection.ExecuteScalarAsync<long>(InsertPlan, new
        {
            plan.CampaignId, plan.AudienceVersion, plan.ControlVersionId, plan.TreatmentVersionId, runId, plan.Definition,
        });
        await connection.ExecuteAsync(InsertShard, shards.Select(s => new { id, s.Shard, s.FirstCustomer, s.NextCustomer }));
        await ScoringExclusions.PlanAsync(connection, id, campaign, audience, plan.AudienceVersion);
        return id;
    }

    /// <summary>Those of a shard who were left out when the scoring was planned, with the step that left them out.</summary>
    public async Task<IReadOnlyDictionary<Guid, string>> ExcludedAsync(long scoringId, ScoreShard shard, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await ScoringExclusions.OfShardAsync(connection, scoringId, shard, cancellationToken);
    }

    /// <summary>Those of a shard who meet the conditions; null where there are none.</summary>
    public async Task<IReadOnlySet<Guid>?> MatchingAsync(
        IReadOnlyList<FilterCondition> conditions, Audience audience, int version, ScoreShard shard, CancellationToken cancellationToken)
    {
        if (conditions.Count == 0)
        {
            return null;
        }
        var filter = new AudienceFilter(conditions, audience);
        var statement = $"select c.customer from {audience.CustomersTable} c where c.version = @version and c.customer >= @FirstCustomer and (@NextCustomer::uuid is null or c.customer < @NextCustomer) and {filter.Sql}";
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return (await connection.QueryAsync<Guid>(new CommandDefinition(
            statement, filter.Parameters(new { version, shard.FirstCustomer, shard.NextCustomer }), commandTimeout: 0, cancellationToken: cancellationToken))).ToHashSet();
    }

    /// <summary>Ends what workers that fell silent still hold of the scoring.</summary>
    public async Task EndLostAsync(long scoringId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(EndLost, new { scoringId }, cancellationToken: cancellationToken));
    }

    /// <summary>Takes the next free shard for this attempt; null when none is left or the scoring was given up.</summary>
    public async Task<ScoreShard?> ClaimAsync(JobExecution run, long scoringId, CancellationToken cancellationToken)
    {
        ScoreShard? shard = null;
        await run.CommitAsync(async connection => shard = await connection.QuerySingleOrDefaultAsync<ScoreShard>(
            Claim, new { scoringId, run.RunId, run.Fence }), cancellationToken);
        return shard;
    }

    /// <summary>Writes a shard's scores and its row in one transaction.</summary>
    /// <returns>false when the shard is no longer this attempt's; nothing is written then</returns>
    public async Task<bool> FinishShardAsync(JobExecution run, long scoringId, int shard, ShardResult result, CancellationToken cancellationToken)
    {
        var ours = false;
        await run.CommitAsync(async connection =>
        {
            await AttemptMark.SetAsync(connection, run);
            // Held from here on, so that nobody takes the shard over while its rows are on their way.
            ours = await connection.ExecuteScalarAsync<int?>(HoldShard, new { scoringId, shard, run.RunId, run.Fence }) is not null;
            if (!ours)
            {
                return;
            }
            await CopyAsync(connection, scoringId, result.Scores, cancellationToken);
            await connection.ExecuteAsync(FinishShard, new { scoringId, shard, result.Asked, scored = (long)result.Scores.Count, result.Exclusions, result.Checksum });
            FaultPoint.Reach("score.shard-copied");
        }, cancellationToken);
        return ours;
    }

    public async Task<ShardProgress> ProgressAsync(long scoringId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleAsync<ShardProgress>(new CommandDefinition(SelectProgress, new { scoringId }, cancellationToken: cancellationToken));
    }

    /// <summary>The finished shards' counts added up: customers looked at, then left after each step.</summary>
    public async Task<long[]> ExclusionsAsync(long scoringId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var shards = (await connection.QueryAsync<long[]>(new CommandDefinition(SelectExclusions, new { scoringId }, cancellationToken: cancellationToken))).AsList();
        return [.. Enumerable.Range(0, shards[0].Length).Select(step => shards.Sum(counts => counts[step]))];
    }

    /// <summary>Lets everybody see the scoring, in the caller's transaction; refused unless every shard is there.</summary>
    /// <param name="exclusions">the funnel as JSON</param>
    public async Task FinishAsync(NpgsqlConnection connection, ScorePlan plan, long eligible, string exclusions, JobExecution run)
    {
        await AttemptMark.SetAsync(connection, run);
        await connection.ExecuteAsync(Finish, new { plan.ScoringId, eligible, funnel = exclusions, at = time.GetUtcNow() });
        await connection.ExecuteAsync(EndAssistants, new { plan.CampaignId, run.RunId });
    }

    public async Task DiscardAsync(NpgsqlConnection connection, long scoringId, long runId) =>
        await connection.ExecuteAsync(Discard, new { scoringId, runId });

    private static Task<long> CopyAsync(NpgsqlConnection connection, long scoringId, IReadOnlyList<CustomerScore> scores, CancellationToken cancellationToken) =>
        BulkCopy.WriteAsync(connection, "score (customer, scoring_id, control_score, treatment_score)", scores, (import, score) =>
        {
            import.Write(score.Customer);
            import.Write(scoringId);
            import.Write(score.Control);
            import.Write(score.Treatment);
        }, cancellationToken);
}
