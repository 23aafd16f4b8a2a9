using Pimm.Core;
using Quartz;

namespace Pimm.Jobs.Scheduling;

/// <summary>
/// When a cron expression fires in a time zone, by the same computation that the triggers use. A local time that a spring change
/// skips fires at the change; one that an autumn change repeats fires the first time only.
/// </summary>
public sealed class CronTimes
{
    private const int Looked = 60;
    private const int YearsChecked = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private CronTimes(CronExpression expression) => Expression = expression;

    internal CronExpression Expression { get; }

    /// <param name="cron">five fields (minute hour day month weekday), Quartz's six or seven, or a macro such as @daily</param>
    /// <param name="timeZone">IANA id</param>
    /// <exception cref="InputException">either cannot be understood</exception>
    public static CronTimes Parse(string cron, string timeZone)
    {
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(timeZone, out var zone) || !zone.HasIanaId)
            throw new InputException($"\"{timeZone}\" is no time zone: use an IANA id such as Europe/Berlin.");
        var fields = cron.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;
        try
        {
            return new CronTimes(CronExpression.Parse(cron, fields == 5 ? CronFormat.Unix : CronFormat.Quartz).WithTimeZone(zone));
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw new InputException($"The cron expression \"{cron}\" cannot be read ({e.Message.TrimEnd('.')}): write it as 30 2 * * * (02:30 every day).", e);
        }
    }

    /// <summary>Fire times after <paramref name="after"/>, in order; fewer when there are no more.</summary>
    /// <exception cref="InputException">the computation stands still</exception>
    public IEnumerable<DateTimeOffset> After(DateTimeOffset after)
    {
        for (var last = after; Expression.GetNextValidTimeAfter(last) is { } next; last = next)
        {
            // Quartz 4.7.3 finds the same instant for ever in the hour that Dublin and Casablanca skip; such a trigger fires without end.
            if (next <= last)
                throw new InputException($"The cron expression \"{Expression}\" cannot be computed beyond {last.UtcDateTime:u} in {Expression.TimeZone.Id}, where the clocks change: choose an hour that exists on every day, or the time zone UTC.");
            yield return next.ToUniversalTime();
        }
    }

    /// <summary>Between two of the next fire times; null: it fires once more at most.</summary>
    public TimeSpan? LongestPause(DateTimeOffset now)
    {
        var times = After(now).Take(Looked).ToList();
        return times.Count < 2 ? null : times.Zip(times.Skip(1), (earlier, later) => later - earlier).Max();
    }

    /// <summary>The latest fire time up to <paramref name="instant"/> itself; null: none before.</summary>
    public DateTimeOffset? Latest(DateTimeOffset instant) => Expression.GetPreviousValidTimeBefore(instant.AddTicks(1))?.ToUniversalTime();

    private DateOnly DateOf(DateTimeOffset instant) => DateOnly.FromDateTime(Local(instant).DateTime);

    public DateTimeOffset Local(DateTimeOffset instant) => TimeZoneInfo.ConvertTime(instant, Expression.TimeZone);

    /// <summary>Refuses an expression that never fires, fires too often, or takes too long to compute.</summary>
    /// <param name="daily">one firing a day is all there is: a second one of the same date would do nothing</param>
    /// <exception cref="InputException">it does</exception>
    /// <exception cref="SlowCronException">it takes too long, here and now</exception>
    public CronTimes Checked(DateTimeOffset now, TimeSpan minimumInterval, bool daily = false)
    {
        using var enough = new CancellationTokenSource();
        var patience = enough.Token;
        var computing = Task.Run(() => Check(now, minimumInterval, daily, patience), CancellationToken.None);
        if (Task.WaitAny([computing], Patience) < 0)
        {
            // Left behind, the computation stops at its next fire time.
            enough.Cancel();
            throw new SlowCronException($"The cron expression \"{Expression}\" takes longer than {Patience.TotalSeconds:0} s to compute: write a simpler one, or try again if this machine is very busy.");
        }
        computing.GetAwaiter().GetResult();
        return this;
    }

    private void Check(DateTimeOffset now, TimeSpan minimumInterval, bool daily, CancellationToken patience)
    {
        var first = Patiently(After(now).Take(Looked), patience).ToList();
        if (first.Count == 0)
            throw new InputException($"The cron expression \"{Expression}\" never fires: correct it, as 30 2 * * * (02:30 every day).");
        CheckIntervals(first, minimumInterval, daily);
        foreach (var change in Patiently(ClockChanges(now), patience))
            CheckIntervals([.. Patiently(After(change.AddDays(-1)).TakeWhile(at => at < change.AddDays(2)), patience)], minimumInterval, daily);
    }

    private static IEnumerable<DateTimeOffset> Patiently(IEnumerable<DateTimeOffset> times, CancellationToken patience) =>
        times.Where(_ => { patience.ThrowIfCancellationRequested(); return true; });

    private void CheckIntervals(List<DateTimeOffset> times, TimeSpan minimumInterval, bool daily)
    {
        foreach (var (earlier, later) in times.Zip(times.Skip(1)))
        {
            if (daily && DateOf(earlier) == DateOf(later) && later - earlier >= minimumInterval)
                throw new InputException(FormattableString.Invariant(
                    $"The cron expression \"{Expression}\" fires at {Local(earlier):HH:mm} and again at {Local(later):HH:mm} on {DateOf(earlier):yyyy-MM-dd}, and this kind of schedule does its work once a day: name one time of the day."));
            if (later - earlier < minimumInterval)
                throw new InputException(FormattableString.Invariant(
                    $"The cron expression \"{Expression}\" fires at {earlier:u} and again {later - earlier:c} later: leave at least {minimumInterval:c} between (Scheduling:MinimumInterval)."));
        }
    }

    /// <summary>Days on which the zone's offset changes.</summary>
    private IEnumerable<DateTimeOffset> ClockChanges(DateTimeOffset start) =>
        from day in Enumerable.Range(0, 366 * YearsChecked).Select(day => start.AddDays(day))
        where Expression.TimeZone.GetUtcOffset(day) != Expression.TimeZone.GetUtcOffset(day.AddDays(1))
        select day;
}

/// <summary>The expression's fire times were not computed in time: it may be to blame, or a machine that had no time for it.</summary>
public sealed class SlowCronException(string sentence) : InputException(sentence);
