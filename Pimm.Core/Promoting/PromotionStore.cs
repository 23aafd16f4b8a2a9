using Dapper;
using Npgsql;
using Pimm.Core.Training;

namespace Pimm.Core.Promoting;

/// <summary>Judgements, the ledger of promotions, and the nights between lines.</summary>
public sealed class PromotionStore(NpgsqlDataSource database, TimeProvider time)
{
    private const string SelectLedger =
        """
        select p.id, p.model_version_id, v.version, p.promoted_at, p.promoted_by, p.reason, p.judgement_id, p.rolled_back_id
          from promotion p join model_version v on v.id = p.model_version_id
         where p.model_line_id = @lineId order by p.id
        """;

    // Older than a judged version or the champion is not worth a judgement.
    private const string SelectNewestUnjudged =
        """
        select v.id from model_version v
         where v.model_line_id = @lineId
           and v.version > coalesce((select c.version from champion c where c.model_line_id = @lineId), 0)
           and v.version > coalesce((select max(j.version) from promotion_judgement p join model_version j on j.id = p.model_version_id where p.model_line_id = @lineId), 0)
         order by v.version desc limit 1
        """;

    private const string SelectSpent =
        "select coalesce(sum(alpha), 0) from promotion_judgement where model_line_id = @lineId and judged_at > @since";

    private const string SelectAnyJudgement =
        """
        select id, model_line_id, model_version_id, champion_version_id, decision, sentence, conditions::text, rows_from, rows_to, judged_rows, customers,
               stages::text, champion_log_loss, version_log_loss, margin, difference, difference_lower, difference_upper, p_value, alpha, alpha_spent, run_id, judged_at
          from promotion_judgement
        """;

    private const string SelectJudgements = $"{SelectAnyJudgement} where model_line_id = @lineId order by id desc limit @limit";

    private const string SelectJudgementOfVersion = $"{SelectAnyJudgement} where model_version_id = @versionId order by id desc limit 1";

    private const string InsertJudgement =
        """
        insert into promotion_judgement(model_line_id, model_version_id, champion_version_id, decision, sentence, conditions, rows_from, rows_to, judged_rows,
            customers, stages, champion_log_loss, version_log_loss, margin, difference, difference_lower, difference_upper, p_value, alpha, alpha_spent, run_id, judged_at)
        values (@ModelLineId, @ModelVersionId, @ChampionVersionId, @Decision, @Sentence, @Conditions::jsonb, @RowsFrom, @RowsTo, @JudgedRows,
            @Customers, @Stages::jsonb, @ChampionLogLoss, @VersionLogLoss, @Margin, @Difference, @DifferenceLower, @DifferenceUpper, @PValue, @Alpha, @AlphaSpent, @RunId, @JudgedAt)
        returning id
        """;

    // The line whose arm a campaign calls control.
    private const string SelectIncumbent =
        "select control_line_id from campaign where audience_id = @audienceId order by id desc limit 1";

    private const string SelectComparison =
        """
        select id, model_line_id, incumbent_line_id, model_version_id, incumbent_version_id, rows_from, rows_to, night::text, total::text, ready, sentence, compared_at
          from line_comparison where model_line_id = @lineId and (@incumbentId::bigint is null or incumbent_line_id = @incumbentId) order by id desc limit 1
        """;

    private const string InsertComparison =
        """
        insert into line_comparison(model_line_id, incumbent_line_id, model_version_id, incumbent_version_id, rows_from, rows_to, night, total, ready, sentence, run_id, compared_at)
        values (@ModelLineId, @IncumbentLineId, @ModelVersionId, @IncumbentVersionId, @RowsFrom, @RowsTo, @Night::jsonb, @Total::jsonb, @Ready, @Sentence, @runId, @at)
        """;

    public async Task<PromotionLedger> LedgerAsync(long lineId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await LedgerAsync(connection, lineId);
    }

    /// <summary>Read behind <see cref="ModelStore.LockAsync"/>, it is the ledger as it stays until the transaction ends.</summary>
    public static async Task<PromotionLedger> LedgerAsync(NpgsqlConnection connection, long lineId) =>
        new(await connection.QueryAsync<Promotion>(SelectLedger, new { lineId }));

    public async Task<long?> NewestUnjudgedAsync(long lineId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long?>(new CommandDefinition(SelectNewestUnjudged, new { lineId }, cancellationToken: cancellationToken));
    }

    /// <summary>α spent by a line's judgements of the last nights, the one under way counted among them: the judgement so many nights ago is none of them, whatever the minute.</summary>
    public async Task<double> SpentAsync(long lineId, int nights, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await SpentAsync(connection, lineId, nights);
    }

    /// <summary>Read behind <see cref="ModelStore.LockAsync"/>, no other judgement spends before the transaction ends.</summary>
    public Task<double> SpentAsync(NpgsqlConnection connection, long lineId, int nights) =>
        connection.ExecuteScalarAsync<double>(SelectSpent, new { lineId, since = time.GetUtcNow().AddDays(0.5 - nights) });

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<PromotionJudgement>> JudgementsAsync(long lineId, int limit = 100, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<PromotionJudgement>(new CommandDefinition(SelectJudgements, new { lineId, limit }, cancellationToken: cancellationToken))];
    }

    public async Task<PromotionJudgement?> JudgementOfAsync(long versionId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<PromotionJudgement>(
            new CommandDefinition(SelectJudgementOfVersion, new { versionId }, cancellationToken: cancellationToken));
    }

    /// <summary>The control line of the audience's newest campaign; null without one.</summary>
    public async Task<long?> IncumbentAsync(long audienceId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long?>(new CommandDefinition(SelectIncumbent, new { audienceId }, cancellationToken: cancellationToken));
    }

    /// <summary>The newest night of a line, against one incumbent or any.</summary>
    public async Task<LineComparison?> ComparisonAsync(long lineId, long? incumbentId = null, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<LineComparison>(
            new CommandDefinition(SelectComparison, new { lineId, incumbentId }, cancellationToken: cancellationToken));
    }

    public Task<long> AddAsync(NpgsqlConnection connection, PromotionJudgement judgement, long runId) =>
        connection.ExecuteScalarAsync<long>(InsertJudgement, judgement with { RunId = runId, JudgedAt = time.GetUtcNow() });

    public Task AddAsync(NpgsqlConnection connection, LineComparison night, long runId) =>
        connection.ExecuteAsync(InsertComparison, new
        {
            night.ModelLineId, night.IncumbentLineId, night.ModelVersionId, night.IncumbentVersionId, night.RowsFrom, night.RowsTo,
            night.Night, night.Total, night.Ready, night.Sentence, runId, at = time.GetUtcNow(),
        });
}
