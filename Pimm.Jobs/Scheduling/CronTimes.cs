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
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

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

    /// <summary>The latest fire time up to <paramref name="instant"/> itself; null: none before.</summary>
    public DateTimeOffset? Latest(DateTimeOffset instant) => Expression.GetPreviousValidTimeBefore(instant.AddTicks(1))?.ToUniversalTime();

    public DateOnly DateOf(DateTimeOffset instant) => DateOnly.FromDateTime(Local(instant).DateTime);

    public DateTimeOffset Local(DateTimeOffset instant) => TimeZoneInfo.ConvertTime(instant, Expression.TimeZone);

    /// <summary>Refuses an expression that never fires, fires too often, or takes too long to compute.</summary>
    /// <exception cref="InputException">it does</exception>
    public CronTimes Checked(DateTimeOffset now, TimeSpan minimumInterval)
    {
        var computing = Task.Run(() => Check(now, minimumInterval));
        try
        {
            if (!computing.Wait(Patience))
                throw new InputException($"The cron expression \"{Expression}\" takes longer than {Patience.TotalSeconds:0} s to compute: write a simpler one.");
        }
        catch (AggregateException e) when (e.InnerException is InputException refused)
        {
            throw refused;
        }
        return this;
    }

    private void Check(DateTimeOffset now, TimeSpan minimumInterval)
    {
        var first = After(now).Take(Looked).ToList();
        if (first.Count == 0)
            throw new InputException($"The cron expression \"{Expression}\" never fires: correct it, as 30 2 * * * (02:30 every day).");
        CheckIntervals(first, minimumInterval);
        foreach (var change in ClockChanges(now))
            CheckIntervals([.. After(change.AddDays(-1)).TakeWhile(at => at < change.AddDays(2))], minimumInterval);
    }

    private void CheckIntervals(List<DateTimeOffset> times, TimeSpan minimumInterval)
    {
        foreach (var (earlier, later) in times.Zip(times.Skip(1)))
        {
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
