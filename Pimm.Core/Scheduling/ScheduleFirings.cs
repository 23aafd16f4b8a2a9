using Npgsql;
using Pimm.Core.Queueing;

namespace Pimm.Core.Scheduling;

/// <summary>Turns an occasion of a schedule into runs: once, in one transaction with the note that it has fired.</summary>
public sealed class ScheduleFirings(NpgsqlDataSource database, JobQueue queue, ScheduleFacts facts, ScheduleStore schedules, TimeProvider time)
{
    private static readonly TimeSpan DailyKept = TimeSpan.FromDays(400);
    private static readonly TimeSpan FrequentKept = TimeSpan.FromDays(7);

    /// <summary>How long firings of the kind are known; retention may remove them earlier.</summary>
    public static TimeSpan Kept(string kind) => ScheduleKinds.IsDaily(kind) ? DailyKept : FrequentKept;

    /// <summary>What the occasion led to, now or when it fired before.</summary>
    /// <returns>IsNew: false when it had fired before</returns>
    public async Task<(ScheduleFiring Firing, bool IsNew)> FireAsync(Schedule schedule, Occasion occasion, string by, CancellationToken cancellationToken)
    {
        if (await schedules.FindFiringAsync(schedule.Id, occasion.Key, cancellationToken) is { } before)
            return (before, false);
        var (work, waiting, refused) = await DecideAsync(schedule, occasion, cancellationToken);
        var firing = new ScheduleFiring(schedule.Id, occasion.Key, occasion.Date, occasion.At, default, by, [], refused, work.Outcome);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!await ScheduleStore.AddFiringAsync(firing, connection))
        {
            await transaction.RollbackAsync(cancellationToken);
            return ((await schedules.FindFiringAsync(schedule.Id, occasion.Key, cancellationToken))!, false);
        }
        firing = firing with { Runs = waiting is { } run ? [run] : await EnqueueAsync(schedule, occasion, work, connection) };
        await ScheduleStore.EndFiringAsync(firing, Kept(schedule.Kind), connection);
        FaultPoint.Reach("schedule.fired");
        await transaction.CommitAsync(cancellationToken);
        FaultPoint.Reach("schedule.enqueued");
        return (firing, true);
    }

    private async Task<(ScheduledWork Work, long? Waiting, bool Refused)> DecideAsync(Schedule schedule, Occasion occasion, CancellationToken cancellationToken)
    {
        try
        {
            // A worker may be busy for hours: one look into the inbox that waits is enough.
            if (!ScheduleKinds.IsDaily(schedule.Kind) && await facts.WaitingAsync(schedule.Kind, cancellationToken) is { } run)
                return (new ScheduledWork([], $"run {run} waits already"), run, false);
            return (await facts.DecideAsync(schedule, occasion, time.GetUtcNow(), cancellationToken), null, false);
        }
        catch (InputException e)
        {
            return (new ScheduledWork([], e.Message), null, true);
        }
    }

    private async Task<long[]> EnqueueAsync(Schedule schedule, Occasion occasion, ScheduledWork work, NpgsqlConnection connection)
    {
        var budget = ScheduleArguments.Parse(schedule.Arguments).MaxHours is { } hours ? TimeSpan.FromHours(hours) : (TimeSpan?)null;
        var ids = new List<long>();
        foreach (var run in work.Runs)
        {
            long?[] after = [run.AfterPrevious ? ids[^1] : null, run.AfterRun];
            ids.Add(await queue.EnqueueAsync(new JobRequest(
                run.Kind, occasion.RunKey(schedule) + (run.Part is null ? "" : "/" + run.Part), run.Arguments, run.CampaignId, occasion.Date,
                MaxDuration: budget, After: [.. after.OfType<long>()]), connection));
        }
        return [.. ids];
    }
}
