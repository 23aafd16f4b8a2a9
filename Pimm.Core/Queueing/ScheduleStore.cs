using System.Globalization;
using Dapper;
using Npgsql;
using Pimm.Core.Auditing;

namespace Pimm.Core.Queueing;

/// <summary>Schedules and their firings.</summary>
public sealed class ScheduleStore(NpgsqlDataSource database)
{
    public async Task<IReadOnlyList<Schedule>> ListAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<Schedule>(new CommandDefinition(SelectSchedules, cancellationToken: cancellationToken))];
    }

    public async Task<Schedule?> FindAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<Schedule>(new CommandDefinition(SelectSchedule, new { id }, cancellationToken: cancellationToken));
    }

    /// <param name="nameOrId">its name, or its number</param>
    /// <exception cref="InputException">there is none</exception>
    public async Task<Schedule> GetAsync(string nameOrId, CancellationToken cancellationToken = default)
    {
        var id = long.TryParse(nameOrId, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<Schedule>(new CommandDefinition(SelectByName, new { name = nameOrId, id }, cancellationToken: cancellationToken))
            ?? throw new InputException($"There is no schedule \"{nameOrId}\": see pimm schedules list.");
    }

    /// <exception cref="InputException">the name, the line or the campaign has a schedule already, or is unknown</exception>
    public Task<Schedule> AddAsync(Schedule schedule, CancellationToken cancellationToken = default) => AddAsync(schedule, AuditActor.CommandLine, cancellationToken);

    /// <param name="by">who adds it, for the audit log: see <see cref="AuditActor"/></param>
    /// <exception cref="InputException">as above</exception>
    public Task<Schedule> AddAsync(Schedule schedule, string by, CancellationToken cancellationToken = default) =>
        WriteAsync(Insert, schedule.Validated(), by, "schedule.add", cancellationToken)!;

    /// <summary>As <see cref="AddAsync"/>, only while the row is still of the version that was read.</summary>
    /// <exception cref="InputException">somebody else changed or removed it meanwhile</exception>
    public Task<Schedule> ChangeAsync(Schedule schedule, CancellationToken cancellationToken = default) => ChangeAsync(schedule, AuditActor.CommandLine, cancellationToken);

    /// <param name="by">who changes it, for the audit log: see <see cref="AuditActor"/></param>
    /// <exception cref="InputException">as above</exception>
    public async Task<Schedule> ChangeAsync(Schedule schedule, string by, CancellationToken cancellationToken = default) =>
        await WriteAsync(Update, schedule.Validated(), by, "schedule.change", cancellationToken)
        ?? throw new InputException($"The schedule \"{schedule.Name}\" was changed or removed by somebody else meanwhile: look at it, then change it again.");

    public Task RemoveAsync(long id, CancellationToken cancellationToken = default) => RemoveAsync(id, AuditActor.CommandLine, cancellationToken);

    /// <param name="by">who removes it, for the audit log: see <see cref="AuditActor"/></param>
    public async Task RemoveAsync(long id, string by, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await connection.QuerySingleOrDefaultAsync<Schedule>(Delete, new { id }) is { } removed)
            await AuditLog.AddAsync(connection, EntryOf(by, "schedule.remove", removed, null));
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>What keeps this version of the schedule from firing; null: nothing any more.</summary>
    public async Task SetProblemAsync(Schedule schedule, string? problem, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(UpdateProblem, new { schedule.Id, schedule.Version, problem }, cancellationToken: cancellationToken));
    }

    /// <summary>The newest first.</summary>
    public async Task<IReadOnlyList<ScheduleFiring>> FiringsAsync(long scheduleId, int limit, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ScheduleFiring>(new CommandDefinition(SelectFirings, new { scheduleId, limit }, cancellationToken: cancellationToken))];
    }

    public async Task<ScheduleFiring?> FindFiringAsync(long scheduleId, string occasion, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ScheduleFiring>(new CommandDefinition(SelectFiring, new { scheduleId, occasion }, cancellationToken: cancellationToken));
    }

    /// <summary>Every schedule's newest firing.</summary>
    public async Task<IReadOnlyDictionary<long, ScheduleFiring>> LastFiringsAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return (await connection.QueryAsync<ScheduleFiring>(new CommandDefinition(SelectLastFirings, cancellationToken: cancellationToken))).ToDictionary(firing => firing.ScheduleId);
    }

    /// <summary>Occasions since <paramref name="since"/> that have fired.</summary>
    public async Task<IReadOnlySet<string>> OccasionsAsync(long scheduleId, DateTimeOffset since, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return (await connection.QueryAsync<string>(new CommandDefinition(SelectOccasions, new { scheduleId, since }, cancellationToken: cancellationToken))).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>In the caller's transaction. Whoever comes second waits for the first one's commit.</summary>
    /// <returns>false: this occasion has fired before, and nothing is to be done</returns>
    public static async Task<bool> AddFiringAsync(ScheduleFiring firing, NpgsqlConnection connection) =>
        await connection.ExecuteAsync(InsertFiring, firing) == 1;

    /// <summary>In the transaction of <see cref="AddFiringAsync"/>: what it led to. Firings of long ago go.</summary>
    public static async Task EndFiringAsync(ScheduleFiring firing, TimeSpan kept, NpgsqlConnection connection)
    {
        await connection.ExecuteAsync(UpdateFiring, firing);
        await connection.ExecuteAsync(DeleteOldFirings, new { firing.ScheduleId, kept });
    }

    private async Task<Schedule?> WriteAsync(string statement, Schedule schedule, string by, string action, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var before = await connection.QuerySingleOrDefaultAsync<Schedule>($"{SelectSchedule} for update", new { schedule.Id });
            var after = await connection.QuerySingleOrDefaultAsync<Schedule>(new CommandDefinition(statement, schedule, cancellationToken: cancellationToken));
            if (after is not null)
                await AuditLog.AddAsync(connection, EntryOf(by, action, before, after));
            await transaction.CommitAsync(cancellationToken);
            return after;
        }
        catch (PostgresException refused) when (Refusal(schedule, refused.ConstraintName) is { } sentence)
        {
            throw new InputException(sentence, refused);
        }
    }

    private static AuditEntry EntryOf(string by, string action, Schedule? before, Schedule? after)
    {
        var changed = AuditDiff.Of(before, after);
        return new(by, action, "schedule", (before ?? after)!.Id.ToString(CultureInfo.InvariantCulture), changed.Before, changed.After);
    }

    private static string? Refusal(Schedule schedule, string? constraint) => constraint switch
    {
        "schedule_name_key" => $"There is a schedule named \"{schedule.Name}\" already: choose another name, or edit it.",
        "schedule_model_line_id_key" => $"Model line {schedule.ModelLineId} has a schedule already: edit that one, see pimm schedules list.",
        "schedule_campaign_id_key" => $"Campaign {schedule.CampaignId} has a schedule already: edit that one, see pimm schedules list.",
        "schedule_model_line_id_fkey" => $"There is no model line {schedule.ModelLineId}: see pimm models list.",
        "schedule_campaign_id_fkey" => $"There is no campaign {schedule.CampaignId}: see pimm campaigns list.",
        _ => null,
    };

    private const string Columns =
        "id, name, kind, model_line_id, campaign_id, cron, time_zone, enabled, arguments::text as arguments, must_succeed_within, created_at, " +
        "active_since, changed_at, changed_by, version, problem";

    private const string FiringColumns = "schedule_id, occasion, logical_date, scheduled_at, fired_at, fired_by, runs, refused, outcome";

    private const string SelectSchedules = $"select {Columns} from schedule order by id";

    private const string SelectSchedule = $"select {Columns} from schedule where id = @id";

    private const string SelectByName = $"select {Columns} from schedule where name = @name or id = @id order by (name = @name) desc limit 1";

    private const string Insert = $"""
        insert into schedule (name, kind, model_line_id, campaign_id, cron, time_zone, enabled, arguments, must_succeed_within, changed_by)
        values (@Name, @Kind, @ModelLineId, @CampaignId, @Cron, @TimeZone, @Enabled, @Arguments::jsonb, @MustSucceedWithin, @ChangedBy)
        returning {Columns}
        """;

    private const string Update = $"""
        update schedule
           set name = @Name, cron = @Cron, time_zone = @TimeZone, enabled = @Enabled, arguments = @Arguments::jsonb,
               must_succeed_within = @MustSucceedWithin, changed_by = @ChangedBy, version = version + 1
         where id = @Id and version = @Version
        returning {Columns}
        """;

    private const string Delete = $"delete from schedule where id = @id returning {Columns}";

    private const string UpdateProblem = "update schedule set problem = @problem where id = @Id and version = @Version and problem is distinct from @problem::text";

    private const string SelectFirings = $"select {FiringColumns} from schedule_firing where schedule_id = @scheduleId order by fired_at desc limit @limit";

    private const string SelectFiring = $"select {FiringColumns} from schedule_firing where schedule_id = @scheduleId and occasion = @occasion";

    private const string SelectLastFirings = $"select distinct on (schedule_id) {FiringColumns} from schedule_firing order by schedule_id, fired_at desc";

    private const string SelectOccasions = "select occasion from schedule_firing where schedule_id = @scheduleId and scheduled_at >= @since::timestamptz - interval '2 days'";

    private const string InsertFiring = """
        insert into schedule_firing (schedule_id, occasion, logical_date, scheduled_at, fired_by, outcome)
        values (@ScheduleId, @Occasion, @LogicalDate, @ScheduledAt, @FiredBy, @Outcome)
        on conflict (schedule_id, occasion) do nothing
        """;

    private const string UpdateFiring = "update schedule_firing set runs = @Runs, refused = @Refused, outcome = @Outcome where schedule_id = @ScheduleId and occasion = @Occasion";

    private const string DeleteOldFirings = "delete from schedule_firing where schedule_id = @ScheduleId and fired_at < clock_timestamp() - @kept::interval";
}
