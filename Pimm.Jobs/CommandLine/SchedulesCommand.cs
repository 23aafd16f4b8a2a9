using System.CommandLine;
using System.Globalization;
using Pimm.Core;
using Pimm.Core.Auditing;
using Pimm.Core.Queueing;
using Pimm.Core.Scheduling;
using Pimm.Jobs.Scheduling;

namespace Pimm.Jobs.CommandLine;

/// <summary>schedules list, show, next, missed, back-fill, run-now, reset; what changes a schedule is in ScheduleChanges.</summary>
public static class SchedulesCommand
{
    public static Command Create()
    {
        Command[] verbs =
        [
            List(),
            OnOne("show", "one schedule with its latest firings", ShowAsync),
            OnOne("next", "the next five fire times, in its time zone and UTC", NextAsync),
            Missed(),
            BackFill(),
            OnOne("run-now", "asks for its runs at once, besides those of the clock", RunNowAsync),
            .. ScheduleChanges.Create(),
        ];
        var schedules = new Command("schedules", "what is done again and again, and when");
        foreach (var verb in verbs)
            schedules.Subcommands.Add(verb);
        return schedules;
    }

    internal static Argument<string> Name { get; } = new("schedule") { Description = "its name or number" };

    private static Command List() => new Command("list", "all schedules") { Invocation.JsonOption }.Does(async (call, cancellationToken) =>
    {
        var now = call.Service<TimeProvider>().GetUtcNow();
        var schedules = await call.Service<ScheduleStore>().ListAsync(cancellationToken);
        var last = await call.Service<ScheduleStore>().LastFiringsAsync(cancellationToken);
        var rows = schedules.Select(schedule => new { schedule, next = NextOf(schedule, now, 1).FirstOrDefault(), last = last.GetValueOrDefault(schedule.Id) }).ToList();
        call.Print(new { Schedules = rows }, lines =>
        {
            foreach (var row in rows)
                lines.WriteLine($"{Line(row.schedule, row.next)}{(row.last is null ? "" : "  last: " + row.last.Outcome)}");
            if (rows.Count == 0)
                lines.WriteLine("No schedules: see pimm schedules add --help.");
        });
        return ExitCode.Done;
    });

    internal static Command OnOne(string name, string description, Func<Invocation, Schedule, CancellationToken, Task> act) =>
        new Command(name, description) { Name, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            await act(call, await call.Service<ScheduleStore>().GetAsync(call.Arguments.GetRequiredValue(Name), cancellationToken), cancellationToken);
            return ExitCode.Done;
        });

    private static async Task ShowAsync(Invocation call, Schedule schedule, CancellationToken cancellationToken)
    {
        var firings = await call.Service<ScheduleStore>().FiringsAsync(schedule.Id, 20, cancellationToken);
        call.Print(new { Schedule = schedule, Firings = firings }, lines =>
        {
            lines.WriteLine(Line(schedule, NextOf(schedule, call.Service<TimeProvider>().GetUtcNow(), 1).FirstOrDefault()));
            lines.WriteLine($"arguments {schedule.Arguments}  changed by {schedule.ChangedBy}  must succeed within {schedule.MustSucceedWithin?.ToString() ?? "any time"}");
            foreach (var firing in firings)
                lines.WriteLine(Line(firing));
        });
    }

    private static Task NextAsync(Invocation call, Schedule schedule, CancellationToken cancellationToken)
    {
        var next = ScheduleCalendar.Next(schedule, call.Service<TimeProvider>().GetUtcNow(), 5);
        call.Print(new { Schedule = schedule.Name, schedule.TimeZone, Next = next }, lines =>
        {
            foreach (var time in next)
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{time.Local:ddd yyyy-MM-dd HH:mm:ss} {schedule.TimeZone}   {time.Utc:yyyy-MM-dd HH:mm:ss} UTC"));
        });
        return Task.CompletedTask;
    }

    private static Command Missed()
    {
        var name = new Argument<string?>("schedule") { Description = "its name or number; default all", Arity = ArgumentArity.ZeroOrOne };
        return new Command("missed", "dates on which a schedule should have fired and no worker did it") { name, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var store = call.Service<ScheduleStore>();
            var schedules = call.Arguments.GetValue(name) is { } one ? [await store.GetAsync(one, cancellationToken)] : await store.ListAsync(cancellationToken);
            var missed = new List<(string Schedule, Occasion Occasion)>();
            foreach (var schedule in schedules.Where(schedule => schedule.Problem is null))
                missed.AddRange((await call.Service<ScheduleCalendar>().MissedAsync(schedule, cancellationToken)).Select(occasion => (schedule.Name, occasion)));
            call.Print(new { Missed = missed.Select(m => new { m.Schedule, m.Occasion.Date, m.Occasion.At }) }, lines =>
            {
                foreach (var (schedule, occasion) in missed)
                    lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{occasion.Date:yyyy-MM-dd}  {schedule}  (due {occasion.At:yyyy-MM-dd HH:mm} UTC)"));
                if (missed.Count == 0)
                    lines.WriteLine($"Nothing was missed in the last {ScheduleCalendar.MissedDays} days, or as long as firings are kept.");
            });
            return ExitCode.Done;
        });
    }

    private static Command BackFill()
    {
        var dates = new Option<string[]>("--date") { Description = "a missed date, as 2026-03-28; may be repeated; default all missed ones" };
        return new Command("back-fill", "asks for the runs of missed dates") { Name, dates, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var schedule = await call.Service<ScheduleStore>().GetAsync(call.Arguments.GetRequiredValue(Name), cancellationToken);
            var missed = await call.Service<ScheduleCalendar>().MissedAsync(schedule, cancellationToken);
            var asked = (call.Arguments.GetValue(dates) ?? []).Select(Date).ToList();
            var occasions = asked.Count == 0 ? missed : [.. asked.Select(date => missed.FirstOrDefault(occasion => occasion.Date == date)
                ?? throw new InputException($"The schedule \"{schedule.Name}\" has not missed {date:yyyy-MM-dd}: see pimm schedules missed."))];
            var firings = await call.Service<FiringByHand>().BackFillAsync(schedule, occasions, AuditActor.CommandLine, Environment.UserName, cancellationToken);
            call.Print(new { Firings = firings }, lines =>
            {
                foreach (var firing in firings)
                    lines.WriteLine(Line(firing));
                if (firings.Count == 0)
                    lines.WriteLine($"The schedule \"{schedule.Name}\" has missed nothing.");
            });
            return ExitCode.Done;
        });
    }

    private static async Task RunNowAsync(Invocation call, Schedule schedule, CancellationToken cancellationToken)
    {
        var firing = await call.Service<FiringByHand>().RunNowAsync(schedule, AuditActor.CommandLine, Environment.UserName, cancellationToken);
        call.Print(firing, lines => lines.WriteLine(Line(firing)));
    }

    private static DateOnly Date(string text) => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
        ? date : throw new InputException($"--date is \"{text}\": write the day as 2026-03-28.");

    private static IReadOnlyList<FireTime> NextOf(Schedule schedule, DateTimeOffset now, int count) =>
        schedule is { Enabled: true, Problem: null } ? ScheduleCalendar.Next(schedule, now, count) : [];

    internal static string Line(Schedule schedule, FireTime? next) => string.Create(CultureInfo.InvariantCulture,
        $"{schedule.Id,4}  {schedule.Name,-20} {schedule.Kind,-8} {Subject(schedule),-12} {schedule.Cron}  {schedule.TimeZone}  {State(schedule, next)}");

    private static string Subject(Schedule schedule) =>
        schedule.ModelLineId is { } line ? $"line {line}" : schedule.CampaignId is { } campaign ? $"campaign {campaign}" : "";

    private static string State(Schedule schedule, FireTime? next) =>
        schedule.Problem ?? (schedule.Enabled ? string.Create(CultureInfo.InvariantCulture, $"next {next?.Local:yyyy-MM-dd HH:mm}") : "paused");

    private static string Line(ScheduleFiring firing) => string.Create(CultureInfo.InvariantCulture,
        $"{firing.Occasion}  by {firing.FiredBy}  {(firing.Refused ? "refused: " : "")}{firing.Outcome}{(firing.Runs.Length == 0 ? "" : "  runs " + string.Join(", ", firing.Runs))}");
}
