using System.Globalization;
using Pimm.Core.Auditing;
using Pimm.Core.Queueing;

namespace Pimm.Core.Scheduling;

/// <summary>Fires a schedule because somebody wants it, and writes down who.</summary>
public sealed class FiringByHand(ScheduleFirings firings, AuditLog audit, TimeProvider time)
{
    /// <summary>An occasion of its own, besides those of the clock.</summary>
    /// <param name="by">see <see cref="AuditActor"/></param>
    /// <param name="name">as the firing shows it</param>
    /// <exception cref="InputException">the work cannot be asked for</exception>
    public async Task<ScheduleFiring> RunNowAsync(Schedule schedule, string by, string name, CancellationToken cancellationToken = default)
    {
        var (firing, _) = await firings.FireAsync(schedule, Occasion.ByHand(schedule, time.GetUtcNow()), name, cancellationToken);
        if (firing.Refused)
            throw new InputException(firing.Outcome);
        await AddEntryAsync("schedule.run-now", schedule, [firing], by, cancellationToken);
        return firing;
    }

    /// <summary>Asks for the runs of missed dates.</summary>
    /// <param name="by">see <see cref="AuditActor"/></param>
    /// <param name="name">as the firings show it</param>
    /// <exception cref="InputException">a campaign's day is over</exception>
    public async Task<IReadOnlyList<ScheduleFiring>> BackFillAsync(Schedule schedule, IReadOnlyList<Occasion> missed, string by, string name, CancellationToken cancellationToken = default)
    {
        if (schedule.Kind == ScheduleKinds.Campaign && missed.Count > 0)
            throw new InputException($"A missed day of a campaign stays missing: its wave would count from {missed[0].Date:yyyy-MM-dd}, when nobody could deliver its lists.");
        var fired = new List<ScheduleFiring>();
        foreach (var occasion in missed)
            fired.Add((await firings.FireAsync(schedule, occasion, $"back-fill by {name}", cancellationToken)).Firing);
        await AddEntryAsync("schedule.back-fill", schedule, fired, by, cancellationToken);
        return fired;
    }

    private Task AddEntryAsync(string action, Schedule schedule, IReadOnlyList<ScheduleFiring> fired, string by, CancellationToken cancellationToken) =>
        audit.AddAsync(new AuditEntry(
            by, action, "schedule", schedule.Id.ToString(CultureInfo.InvariantCulture),
            After: new { Occasions = fired.Select(firing => firing.Occasion), Runs = fired.SelectMany(firing => firing.Runs) }), cancellationToken);
}
