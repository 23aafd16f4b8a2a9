using Dapper;
using Npgsql;
using Pimm.Core;

namespace Pimm.Jobs.Scheduling;

/// <summary>Whether this worker may fire what these tables hold: no other kind of scheduler may be at work on them.</summary>
public sealed class SchedulerGuard(NpgsqlDataSource database)
{
    public const string Scheduler = "pimm";

    /// <summary>Of what lies in Quartz's tables; raised when workers of two versions must not share it.</summary>
    public const int Format = 1;

    // What Quartz calls itself when nobody told it that it is one of several.
    private const string NotClustered = "NON_CLUSTERED";

    /// <exception cref="InputException">they belong to another scheduler</exception>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var (scheduler, format) = await connection.QuerySingleAsync<(string, int)>(new CommandDefinition(SelectSettings, cancellationToken: cancellationToken));
        if (scheduler != Scheduler)
            throw Refused($"belong to a scheduler named \"{scheduler}\", this worker's is \"{Scheduler}\"");
        if (format != Format)
            throw Refused($"are of version {format}, this worker knows version {Format}: run workers of one version of Pimm");
        if (await FindAsync(SelectOtherScheduler, connection, cancellationToken) is { } other)
            throw Refused($"are used by a scheduler named \"{other}\", this worker's is \"{Scheduler}\": stop that one and delete its rows from the qrtz_ tables");
        if (await FindAsync(SelectNotClustered, connection, cancellationToken) is not null)
            throw Refused($"are used by a scheduler that is not clustered and fires everything again: stop it, then delete from qrtz_fired_triggers where instance_name = '{NotClustered}'");
        if (await FindAsync(SelectOtherVersion, connection, cancellationToken) is { } version)
            throw Refused($"are used by a worker with Quartz {version}, this one has {Quartz.Major}: stop that worker first");
    }

    private static async Task<string?> FindAsync(string sql, NpgsqlConnection connection, CancellationToken cancellationToken) =>
        await connection.ExecuteScalarAsync<string?>(new CommandDefinition(sql, new { Scheduler, NotClustered, Major = $"{Quartz.Major}.%" }, cancellationToken: cancellationToken));

    private static Version Quartz => typeof(global::Quartz.IScheduler).Assembly.GetName().Version!;

    private static InputException Refused(string why) =>
        new($"The schedules of this database {why}. To take runs without firing schedules, start with --no-schedule.");

    private const string SelectSettings = "select scheduler, format from scheduler_settings";

    private const string SelectOtherScheduler = """
        select sched_name from qrtz_scheduler_state where sched_name <> @Scheduler
        union all select sched_name from qrtz_triggers where sched_name <> @Scheduler
        union all select sched_name from qrtz_fired_triggers where sched_name <> @Scheduler
        limit 1
        """;

    private const string SelectNotClustered = "select instance_name from qrtz_fired_triggers where sched_name = @Scheduler and instance_name = @NotClustered limit 1";

    // Times are .NET ticks. Nodes that stopped without a word long ago do not count.
    private const string SelectOtherVersion = """
        select quartz_version from qrtz_scheduler_state
         where sched_name = @Scheduler and quartz_version not like @Major
           and last_checkin_time > (extract(epoch from clock_timestamp() - interval '5 minutes') * 10000000)::bigint + 621355968000000000
         limit 1
        """;
}
