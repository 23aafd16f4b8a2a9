using Dapper;
using Npgsql;

namespace Pimm.Core.Lift;

/// <summary>One computed report of a campaign; never changed.</summary>
/// <param name="Report">a <see cref="LiftReport"/> as JSON, as it was printed then</param>
/// <param name="CodeVersion">version of the code that computed it</param>
/// <param name="Version">numbered in each campaign from 1</param>
/// <param name="ComputedBy">who asked for it; null where nobody said so</param>
/// <param name="Page">the report as text, as it was printed then; null of versions before there were numbers</param>
public sealed record StoredLiftReport(
    long Id, long CampaignId, DateTimeOffset AsOf, string Report, string CodeVersion, DateTimeOffset ComputedAt,
    int Version, string? ComputedBy, long? RunId, string? Page);

/// <summary>One line of a campaign's list of versions.</summary>
/// <param name="Verdict">status of its verdict; null: it had none</param>
public sealed record LiftVersion(
    int Version, DateTimeOffset AsOf, DateTimeOffset ComputedAt, string? ComputedBy, long? RunId, string CodeVersion, string? Verdict, string? Sentence);

/// <summary>The newest report of one campaign.</summary>
public sealed record CampaignReport(long CampaignId, string Campaign, int Version, string Report);

/// <summary>Lift reports: each is the next version of its campaign's.</summary>
public sealed class LiftStore(NpgsqlDataSource database, TimeProvider time)
{
    private const string Columns = "id, campaign_id, as_of, report::text, code_version, computed_at, version, computed_by, run_id, page";

    private const string SelectNewest = $"select {Columns} from lift_report where campaign_id = @campaignId order by version desc limit 1";

    private const string SelectVersion = $"select {Columns} from lift_report where campaign_id = @campaignId and version = @version";

    private const string SelectVersions =
        """
        select version, as_of, computed_at, computed_by, run_id, code_version,
               report->'verdict'->>'status' as verdict, report->'verdict'->>'sentence' as sentence
          from lift_report where campaign_id = @campaignId order by version
        """;

    private const string SelectNewestOfAll =
        """
        select c.id as campaign_id, c.name as campaign, l.version, l.report::text
          from campaign c
          cross join lateral (select version, report from lift_report where campaign_id = c.id order by version desc limit 1) l
         order by c.starts_on, c.id
        """;

    // Two reports computed at once: the second one waits, and follows the first.
    private const string LockCampaign = "select id from campaign where id = @campaignId for update";

    private const string InsertReport =
        """
        insert into lift_report(campaign_id, as_of, report, code_version, run_id, computed_at, version, computed_by, page)
        values (@campaignId, @AsOf, @report::json, @CodeVersion, @RunId, @at, @Version, @AskedBy, @page) returning id
        """;

    public async Task<StoredLiftReport?> NewestAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<StoredLiftReport>(new CommandDefinition(SelectNewest, new { campaignId }, cancellationToken: cancellationToken));
    }

    /// <exception cref="InputException">there is no such version</exception>
    public async Task<StoredLiftReport> GetAsync(long campaignId, int version, CancellationToken cancellationToken = default) =>
        await FindAsync(campaignId, version, cancellationToken)
        ?? throw new InputException($"Campaign {campaignId} has no lift report of version {version}: `pimm lift --campaign {campaignId} --versions` lists those there are.");

    public async Task<StoredLiftReport?> FindAsync(long campaignId, int version, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<StoredLiftReport>(new CommandDefinition(SelectVersion, new { campaignId, version }, cancellationToken: cancellationToken));
    }

    /// <summary>Oldest first.</summary>
    public async Task<IReadOnlyList<LiftVersion>> VersionsAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<LiftVersion>(new CommandDefinition(SelectVersions, new { campaignId }, cancellationToken: cancellationToken))];
    }

    /// <summary>Every measured campaign's newest report, in the order of the campaigns' first days.</summary>
    public async Task<IReadOnlyList<CampaignReport>> NewestOfAllAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<CampaignReport>(new CommandDefinition(SelectNewestOfAll, cancellationToken: cancellationToken))];
    }

    /// <summary>Saves the report as the campaign's next version, with what changed since the last one, inside the caller's transaction.</summary>
    /// <param name="origin">who made it and how; its version is found here</param>
    /// <returns>the report as it is stored</returns>
    public async Task<LiftReport> AddAsync(NpgsqlConnection connection, long campaignId, LiftReport report, LiftOrigin origin)
    {
        await connection.ExecuteAsync(LockCampaign, new { campaignId });
        var last = await connection.QuerySingleOrDefaultAsync<StoredLiftReport>(SelectNewest, new { campaignId });
        origin = origin with { Version = (last?.Version ?? 0) + 1 };
        report = report with { Origin = origin };
        report = report with { Changes = last is null ? null : VersionChanges.Since(last, LiftReport.FromJson(last.Report), report) };
        await connection.ExecuteScalarAsync<long>(InsertReport, new
        {
            campaignId, report.AsOf, report = report.ToJson(), origin.CodeVersion, origin.RunId, at = time.GetUtcNow(), origin.Version, origin.AskedBy,
            page = LiftReportText.Render(report),
        });
        return report;
    }
}
