using System.Globalization;
using Pimm.Core.Queueing;

namespace Pimm.Core.Scheduling;

/// <summary>What a firing is for, however late it happens.</summary>
/// <param name="Key">the day in the schedule's zone, as 2027-03-28; for kinds that fire more often the second in UTC</param>
/// <param name="At">the fire time that the schedule names</param>
public sealed record Occasion(string Key, DateOnly Date, DateTimeOffset At)
{
    public static Occasion Of(Schedule schedule, DateTimeOffset at) => new(
        ScheduleKinds.IsDaily(schedule.Kind)
            ? schedule.DateOf(at).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)
            : at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        schedule.DateOf(at), at);

    /// <summary>Somebody wants it now: an occasion of its own.</summary>
    public static Occasion ByHand(Schedule schedule, DateTimeOffset now) =>
        new(now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture), schedule.DateOf(now), now);

    /// <summary>
    /// Occasions whose time is past and which have not fired, the oldest first. At most the newest <paramref name="most"/>.
    /// </summary>
    /// <param name="times">when the schedule was to fire, from the first time that counts</param>
    /// <param name="due">a firing younger than this may still be under way</param>
    public static IReadOnlyList<Occasion> Missed(Schedule schedule, IEnumerable<DateTimeOffset> times, DateTimeOffset due, IReadOnlySet<string> fired, int most) =>
    [
        .. times.TakeWhile(at => at <= due).Select(at => Of(schedule, at))
            .Where(occasion => !fired.Contains(occasion.Key)).DistinctBy(occasion => occasion.Key).TakeLast(most)
    ];

    /// <summary>Kind and this are a run's key: a second firing asks for the same run.</summary>
    public string RunKey(Schedule schedule) => string.Create(CultureInfo.InvariantCulture, $"schedule/{schedule.Id}/{Key}");
}
