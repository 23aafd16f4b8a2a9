using Dapper;
using Npgsql;

namespace Pimm.Core.Approving;

/// <summary>Campaigns that were submitted, as a list shows them.</summary>
/// <param name="StartsAt">midnight of the first day in the campaign's zone</param>
/// <param name="Own">the reader is creator, last editor or submitter</param>
/// <param name="Total">rows of the whole list</param>
public sealed record ApprovalRow(
    long CampaignId, string Name, string Audience, bool Simulated, DateOnly StartsOn, DateTimeOffset StartsAt, string TimeZone, int Days, int ImpressionsPerDay, string State, string Approval,
    string SubmittedBy, DateTimeOffset SubmittedAt, string? DecidedBy, DateTimeOffset? DecidedAt, bool Own, long Total);

/// <summary>Lists what waits for a decision, and what was decided.</summary>
public sealed class ApprovalListStore(NpgsqlDataSource database)
{
    /// <summary>What waits, the soonest start first: that is what blocks.</summary>
    public const string Inbox = "inbox";

    /// <summary>What the reader submitted, the newest first.</summary>
    public const string Mine = "mine";

    /// <summary>What was decided, the newest first.</summary>
    public const string Decided = "decided";

    public static IReadOnlyList<string> Views { get; } = [Inbox, Mine, Decided];

    private const string Select =
        """
        select l.campaign_id, c.name, a.name as audience, a.simulated, c.starts_on, c.starts_on::timestamp at time zone c.time_zone as starts_at, c.time_zone, c.days,
               c.impressions_per_day, l.state, l.approval, l.submitted_by, l.submitted_at, l.decided_by, l.decided_at,
               exists (select from campaign_author o where o.campaign_id = l.campaign_id and o.person = person_of(@actor)) as own, count(*) over () as total
          from campaign_life l
          join campaign c on c.id = l.campaign_id
          join audience a on a.id = c.audience_id
         where l.submission_id is not null
           and case @view when 'inbox' then l.approval = 'in review' and l.stopped_at is null
                          when 'mine' then person_of(l.submitted_by) = person_of(@actor)
                          else l.decision_id is not null end
         order by case when @view = 'inbox' then c.starts_on::timestamp at time zone c.time_zone end,
                  case when @view = 'decided' then l.decided_at else l.submitted_at end desc, l.campaign_id desc
         limit @limit offset @offset
        """;

    /// <param name="view">one of <see cref="Views"/></param>
    /// <param name="actor">who reads, as the audit names it</param>
    public async Task<IReadOnlyList<ApprovalRow>> ListAsync(string view, string actor, int offset, int limit, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ApprovalRow>(new CommandDefinition(Select, new { view, actor, offset, limit }, cancellationToken: cancellationToken))];
    }
}
