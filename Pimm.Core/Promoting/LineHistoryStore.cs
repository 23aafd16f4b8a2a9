using Dapper;
using Npgsql;

namespace Pimm.Core.Promoting;

/// <summary>A line with its champion, as a list shows it.</summary>
/// <param name="WindowDays">w of the newest campaign with the line: what a training asked for by hand uses; 30 without one</param>
/// <param name="ChampionId">null: nothing was trained yet, and so is everything behind it</param>
/// <param name="Test">JSON of the champion's test metrics; null where nothing was measured</param>
public sealed record LineSummary(
    long Id, string Name, string Network, long AudienceId, string Audience, bool Simulated, string[] Funnel, int WindowDays, long Versions,
    long? ChampionId, int? Champion, DateTimeOffset? Since, string? PromotedBy, string? Reason, bool RolledBack,
    DateTimeOffset? TrainedAt, long? TrainingRows, DateTimeOffset? NewestImpression, string? Test, string[] Warnings);

/// <summary>A version as the table of its line shows it.</summary>
/// <param name="Test">JSON of its test metrics; null where nothing was measured</param>
/// <param name="Snapshot">hash of the rows it was made from; null in an older version</param>
/// <param name="Decision">of its newest judgement: promoted, kept or refused; null: not judged</param>
/// <param name="Against">the number of the champion that it was judged against, on rows that both had not seen</param>
/// <param name="Difference">its joint log loss less that champion's, nats a row; null where no rows were compared</param>
/// <param name="RolledBack">a person took it out once</param>
/// <param name="Warnings">what its training noticed about its rows</param>
public sealed record VersionSummary(
    long Id, int Version, DateTimeOffset TrainedAt, long TrainingRows, DateTimeOffset? NewestImpression, string? Test, string? Snapshot,
    DateTimeOffset? WeightsRemovedAt, string? Decision, string? Sentence, int? Against, double? Difference, double? DifferenceLower, double? DifferenceUpper,
    bool RolledBack, string[] Warnings, long? RunId);

/// <summary>An entry of the ledger as it was written, roll-backs among them.</summary>
public sealed record LedgerEntry(long Id, long ModelVersionId, int Version, DateTimeOffset PromotedAt, string PromotedBy, string Reason, long? JudgementId, int? RolledBackVersion);

/// <summary>A campaign that a version scored.</summary>
/// <param name="Arm">control or treatment</param>
public sealed record ScoredCampaign(long Id, string Name, string Arm, DateTimeOffset ScoredAt);

/// <summary>A file of impressions that was there when a version was trained.</summary>
public sealed record LineageFile(long Id, string FileName, DateTimeOffset ImportedAt, long Rows, DateTimeOffset? UndoneAt);

/// <summary>What the pages on model lines show, page by page.</summary>
public sealed class LineHistoryStore(NpgsqlDataSource database)
{
    private const string SelectLines =
        """
        select l.id, l.name, l.network, l.audience_id, a.name as audience, a.simulated, a.funnel,
               coalesce((select k.window_days from campaign k where k.control_line_id = l.id or k.treatment_line_id = l.id order by k.id desc limit 1), 30) as window_days,
               (select count(*) from model_version n where n.model_line_id = l.id) as versions,
               v.id as champion_id, v.version as champion, p.promoted_at as since, p.promoted_by, p.reason, p.rolled_back_id is not null as rolled_back,
               v.trained_at, v.training_rows, v.newest_impression, (v.description -> 'test')::text as test, coalesce(t.warnings, '{}') as warnings
          from model_line l
          join audience a on a.id = l.audience_id
          left join lateral (select * from promotion o where o.model_line_id = l.id order by o.id desc limit 1) p on true
          left join model_version v on v.id = p.model_version_id
          left join training_check t on t.model_version_id = v.id
         where (@line::bigint is null or l.id = @line) and (@search = '' or position(lower(@search) in lower(l.name || ' ' || a.name)) > 0)
         order by l.network = 'random' or l.network like 'truth:%', l.id desc offset @offset limit @limit
        """;

    private const string CountLines =
        """
        select count(*) from model_line l join audience a on a.id = l.audience_id where @search = '' or position(lower(@search) in lower(l.name || ' ' || a.name)) > 0
        """;

    private const string SelectAnyVersion =
        """
        select v.id, v.version, v.trained_at, v.training_rows, v.newest_impression, (v.description -> 'test')::text as test, v.description #>> '{data,snapshotSha256}' as snapshot,
               v.weights_removed_at, j.decision, j.sentence, c.version as against, j.difference, j.difference_lower, j.difference_upper,
               exists (select from promotion p where p.rolled_back_id = v.id) as rolled_back,
               coalesce(t.warnings, '{}') as warnings, v.run_id
          from model_version v
          left join lateral (select * from promotion_judgement o where o.model_version_id = v.id order by o.id desc limit 1) j on true
          left join model_version c on c.id = j.champion_version_id
          left join training_check t on t.model_version_id = v.id
        """;

    private const string SelectVersions = $"{SelectAnyVersion} where v.model_line_id = @lineId order by v.version desc offset @offset limit @limit";

    private const string SelectVersion = $"{SelectAnyVersion} where v.id = @id";

    // What was there when it was trained; a file that was undone since had taught it all the same.
    private const string SelectFiles =
        """
        select f.id, f.file_name, f.imported_at, f.created + f.updated as rows, f.undone_at
          from import_file f where f.audience_id = @audienceId and f.kind = 'history' and f.state = 'finished' and f.imported_at <= @before
         order by f.id desc limit @limit
        """;

    private const string SelectLedger =
        """
        select p.id, p.model_version_id, v.version, p.promoted_at, p.promoted_by, p.reason, p.judgement_id, r.version as rolled_back_version
          from promotion p join model_version v on v.id = p.model_version_id left join model_version r on r.id = p.rolled_back_id
         where p.model_line_id = @lineId order by p.id desc limit @limit
        """;

    private const string SelectCampaigns =
        """
        select k.id, k.name, case when s.treatment_version_id = @versionId then 'treatment' else 'control' end as arm, max(s.finished_at) as scored_at
          from scoring s join campaign k on k.id = s.campaign_id
         where s.finished_at is not null and (s.control_version_id = @versionId or s.treatment_version_id = @versionId)
         group by 1, 2, 3 order by 4 desc limit @limit
        """;

    /// <param name="search">part of a line's or an audience's name; empty: all</param>
    public async Task<IReadOnlyList<LineSummary>> LinesAsync(string search, int offset, int limit, CancellationToken cancellationToken = default) =>
        await LinesAsync(null, search, offset, limit, cancellationToken);

    public async Task<LineSummary?> FindLineAsync(long id, CancellationToken cancellationToken = default) =>
        (await LinesAsync(id, "", 0, 1, cancellationToken)).SingleOrDefault();

    public async Task<long> CountLinesAsync(string search, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition(CountLines, new { search }, cancellationToken: cancellationToken));
    }

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<VersionSummary>> VersionsAsync(long lineId, int offset, int limit, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<VersionSummary>(new CommandDefinition(SelectVersions, new { lineId, offset, limit }, cancellationToken: cancellationToken))];
    }

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<LedgerEntry>> LedgerAsync(long lineId, int limit = 50, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<LedgerEntry>(new CommandDefinition(SelectLedger, new { lineId, limit }, cancellationToken: cancellationToken))];
    }

    public async Task<VersionSummary?> FindVersionAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<VersionSummary>(new CommandDefinition(SelectVersion, new { id }, cancellationToken: cancellationToken));
    }

    /// <summary>The newest first.</summary>
    public async Task<IReadOnlyList<LineageFile>> FilesAsync(long audienceId, DateTimeOffset before, int limit = 20, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<LineageFile>(new CommandDefinition(SelectFiles, new { audienceId, before, limit }, cancellationToken: cancellationToken))];
    }

    /// <summary>The campaigns whose customers a version scored, the newest first.</summary>
    public async Task<IReadOnlyList<ScoredCampaign>> CampaignsAsync(long versionId, int limit = 50, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ScoredCampaign>(new CommandDefinition(SelectCampaigns, new { versionId, limit }, cancellationToken: cancellationToken))];
    }

    private async Task<IReadOnlyList<LineSummary>> LinesAsync(long? line, string search, int offset, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<LineSummary>(new CommandDefinition(SelectLines, new { line, search, offset, limit }, cancellationToken: cancellationToken))];
    }
}
