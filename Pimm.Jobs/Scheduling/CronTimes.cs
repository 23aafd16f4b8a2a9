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
    public IEnumerable<DateTimeOffset> After(DateTimeOffset after)
    {
        for (var next = Expression.GetNextValidTimeAfter(after); next is { } time; next = Expression.GetNextValidTimeAfter(time))
            yield return time.ToUniversalTime();
    }

    /// <summary>The latest fire time up to <paramref name="instant"/> itself; null: none before.</summary>
    public DateTimeOffset? Latest(DateTimeOffset instant) => Expression.GetPreviousValidTimeBefore(instant.AddTicks(1))?.ToUniversalTime();

    public DateOnly DateOf(DateTimeOffset instant) => DateOnly.FromDateTime(Local(instant).DateTime);

    public DateTimeOffset Local(DateTimeOffset instant) => TimeZoneInfo.ConvertTime(instant, Expression.TimeZone);

    /// <summary>Refuses an expression that never fires, fires too often, or takes too long to compute.</summary>
    /// <exception cref="InputException">it does</exception>
    public CronTimes Checked(DateTimeOffset now, TimeSpan minimumInterval)
    {
        var computing = Task.Run(() => After(now).Take(Looked).ToList());
        if (!computing.Wait(Patience))
            throw new InputException($"The cron expression \"{Expression}\" takes longer than {Patience.TotalSeconds:0} s to compute: write a simpler one.");
        if (computing.Result.Count == 0)
            throw new InputException($"The cron expression \"{Expression}\" never fires: correct it, as 30 2 * * * (02:30 every day).");
        foreach (var (earlier, later) in computing.Result.Zip(computing.Result.Skip(1)))
        {
            if (later - earlier < minimumInterval)
                throw new InputException(FormattableString.Invariant(
                    $"The cron expression \"{Expression}\" fires at {earlier:u} and again {later - earlier:c} later: leave at least {minimumInterval:c} between (Scheduling:MinimumInterval)."));
        }
        return this;
    }
}
