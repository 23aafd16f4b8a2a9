using System.Globalization;
using Dapper;
using Microsoft.Extensions.Logging;
using Npgsql;
using Pimm.Core.Database;
using Pimm.Core.Queueing;
using Quartz;

namespace Pimm.Jobs.Scheduling;

/// <summary>
/// Makes Quartz's triggers say what the table of schedules says: one trigger an enabled schedule, named by its number, stamped
/// with the version it was made from. Only triggers whose stamp differs are touched, by one worker at a time.
/// </summary>
public sealed class TriggerSync(
    NpgsqlDataSource database, ScheduleStore schedules, ScheduleCheck check, TimeProvider time, ILogger<TriggerSync> logger)
{
    public const string Group = "schedule";

    private static readonly JobKey Job = new("fire", Group);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    // As Quartz stores it; another name means that the class was renamed or moved since.
    private static readonly string JobClass = $"{typeof(FireSchedule).FullName}, {typeof(FireSchedule).Assembly.GetName().Name}";

    // Rows whose computation took too long here, by number and version: looked at again, less and less often.
    private readonly Dictionary<string, (DateTimeOffset Until, TimeSpan Pause)> slow = [];

    public async Task ApplyAsync(IScheduler scheduler, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!await connection.ExecuteScalarAsync<bool>("select pg_try_advisory_xact_lock(hashtext('pimm schedules'))"))
            return;
        if (await connection.ExecuteScalarAsync<string>(SelectJobClass, new { SchedulerGuard.Scheduler, Group }) != JobClass)
            await scheduler.AddJob(
                JobBuilder.Create<FireSchedule>().WithIdentity(Job).StoreDurably().RequestRecovery().Build(),
                new AddJobOptions { Replace = true }, cancellationToken);

        var stored = (await connection.QueryAsync<(string Name, string? Stamp)>(SelectTriggers, new { SchedulerGuard.Scheduler, Group })).ToDictionary(row => row.Name, row => row.Stamp);
        // What was refused once stays so until somebody changes the row, which takes its problem away.
        var wanted = (await schedules.ListAsync(cancellationToken)).Where(schedule => schedule is { Enabled: true, Problem: null }).ToDictionary(Name);
        var now = time.GetUtcNow();
        foreach (var (name, schedule) in wanted.Where(pair => stored.GetValueOrDefault(pair.Key) != Stamp(pair.Value) && !(slow.TryGetValue(Row(pair.Value), out var rest) && rest.Until > now)))
            await StoreAsync(scheduler, schedule, isStored: stored.ContainsKey(name), cancellationToken);
        foreach (var name in stored.Keys.Where(name => !wanted.ContainsKey(name)))
            await RemoveAsync(scheduler, name, cancellationToken);
    }

    private async Task StoreAsync(IScheduler scheduler, Schedule schedule, bool isStored, CancellationToken cancellationToken)
    {
        try
        {
            var times = await check.CheckedAsync(schedule, cancellationToken);
            var trigger = TriggerBuilder.Create().WithIdentity(Name(schedule), Group).ForJob(Job).WithDescription(Stamp(schedule))
                .WithSchedule(CronScheduleBuilder.Create(times.Expression).WithMisfireInstruction(CronTriggerMisfireInstruction.FireAndProceed))
                .Build();
            await scheduler.ScheduleJob(trigger, new ScheduleJobOptions { Replace = true }, cancellationToken);
            logger.LogInformation("Schedule {Schedule} fires next at {Next:u}", schedule.Name, times.After(time.GetUtcNow()).First());
        }
        catch (SlowCronException e)
        {
            // Perhaps this machine was busy: what fires already goes on, and the row keeps its good name.
            var pause = slow.TryGetValue(Row(schedule), out var before) ? TimeSpan.FromTicks(Math.Min(before.Pause.Ticks * 4, LongestPause.Ticks)) : FirstPause;
            slow[Row(schedule)] = (time.GetUtcNow() + pause, pause);
            logger.LogWarning("Schedule {Schedule} is not taken over, which is tried again in {Pause}: {Reason}", schedule.Name, pause, e.Message);
        }
        catch (Exception e) when (IsOfTheRow(e))
        {
            logger.LogWarning("Schedule {Schedule} does not fire: {Reason}", schedule.Name, e.Message);
            await schedules.SetProblemAsync(schedule, e.Message, cancellationToken);
            if (isStored)
                await RemoveAsync(scheduler, Name(schedule), cancellationToken);
        }
    }

    /// <summary>Not the database's, which would meet the next row as well.</summary>
    private static bool IsOfTheRow(Exception error) =>
        error is not (OperationCanceledException or JobPersistenceException) && PostgresErrors.Translate(error.GetBaseException()) is not DatabaseException;

    private async Task RemoveAsync(IScheduler scheduler, string name, CancellationToken cancellationToken)
    {
        await scheduler.UnscheduleJob(new TriggerKey(name, Group), cancellationToken);
        logger.LogInformation("Schedule {Schedule} fires no more", name);
    }

    private static string Name(Schedule schedule) => schedule.Id.ToString(CultureInfo.InvariantCulture);

    private static string Row(Schedule schedule) => $"{Name(schedule)} {Stamp(schedule)}";

    private static string Stamp(Schedule schedule) => string.Create(CultureInfo.InvariantCulture, $"version {schedule.Version}");

    private const string SelectJobClass = "select job_class_name from qrtz_job_details where sched_name = @Scheduler and job_group = @Group and job_name = 'fire'";

    private const string SelectTriggers = "select trigger_name, description from qrtz_triggers where sched_name = @Scheduler and trigger_group = @Group";
}
