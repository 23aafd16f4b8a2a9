using System.CommandLine;
using Pimm.Core;
using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;
using Pimm.Jobs.Scheduling;

namespace Pimm.Jobs.CommandLine;

/// <summary>schedules add, edit, pause, resume, reset, remove. Workers take a change over within seconds.</summary>
public static class ScheduleChanges
{
    private static readonly Option<string?> Cron = new("--cron") { Description = "five fields, minute hour day month weekday: \"30 2 * * *\" is 02:30 every day" };
    private static readonly Option<string?> Zone = new("--time-zone") { Description = "IANA id, for example Europe/Berlin (default: the campaign's, else UTC)" };
    private static readonly Option<int?> Window = new("--window-days") { Description = "window of a training; 0 or not given: the longest of the line's campaigns" };
    private static readonly Option<double?> MaxHours = new("--max-hours") { Description = "budget of one attempt of a run; 0 or not given: none" };
    private static readonly Option<double?> Within = new("--must-succeed-within") { Description = "hours without a success after which it counts as late; 0: never (default: its longest pause and 2 hours)" };

    public static IEnumerable<Command> Create() =>
    [
        Add(),
        Edit(),
        Changing("pause", "fires no more until it is resumed", schedule => schedule with { Enabled = false }),
        Changing("resume", "fires again from its next time on", schedule => schedule with { Enabled = true }),
        Changing("reset", "makes its trigger anew, after too many failures or a problem that is solved", schedule => schedule),
        SchedulesCommand.OnOne("remove", "takes it away; its runs stay", async (call, schedule, cancellationToken) =>
        {
            await call.Service<ScheduleStore>().RemoveAsync(schedule.Id, cancellationToken);
            call.Print(new { removed = schedule.Name }, lines => lines.WriteLine($"The schedule \"{schedule.Name}\" is gone."));
        }),
    ];

    private static Command Add()
    {
        var name = new Argument<string>("name") { Description = "what it is called" };
        var kind = new Option<string>("--kind") { Description = string.Join(", ", ScheduleKinds.All), Required = true };
        var line = new Option<long?>("--line") { Description = "the model line that a retrain trains" };
        var campaign = new Option<long?>("--campaign") { Description = "the campaign of a campaign schedule" };
        return new Command("add", "a new schedule: retrain one model line, or one campaign's wave of the day, or housekeeping")
        {
            name, kind, line, campaign, Cron, Zone, Window, MaxHours, Within, Invocation.JsonOption
        }.Does(async (call, cancellationToken) =>
        {
            var campaignId = call.Arguments.GetValue(campaign);
            var zone = call.Arguments.GetValue(Zone)
                ?? (campaignId is { } id ? (await call.Service<CampaignStore>().GetAsync(id, cancellationToken)).TimeZone : "UTC");
            var cron = call.Arguments.GetValue(Cron) ?? throw new InputException("A schedule needs a time: give --cron, for example --cron \"30 2 * * *\" for 02:30 every day.");
            var schedule = Schedule.New(
                call.Arguments.GetRequiredValue(name), call.Arguments.GetRequiredValue(kind), call.Arguments.GetValue(line), campaignId, cron, zone, Environment.UserName);
            var times = await call.Service<ScheduleCheck>().CheckedAsync(schedule.Validated(), cancellationToken);
            schedule = Given(call, schedule with { MustSucceedWithin = ScheduleCheck.Bound(times, call.Service<TimeProvider>().GetUtcNow()) });
            Print(call, await call.Service<ScheduleStore>().AddAsync(schedule, cancellationToken));
            return ExitCode.Done;
        });
    }

    private static Command Edit()
    {
        var rename = new Option<string?>("--name") { Description = "another name" };
        return new Command("edit", "another time, zone, window or bound; what is not given stays")
        {
            SchedulesCommand.Name, rename, Cron, Zone, Window, MaxHours, Within, Invocation.JsonOption
        }.Does((call, cancellationToken) => ChangeAsync(call, schedule => Given(call, BoundFitting(call, schedule with
        {
            Name = call.Arguments.GetValue(rename) ?? schedule.Name,
            Cron = call.Arguments.GetValue(Cron) ?? schedule.Cron,
            TimeZone = call.Arguments.GetValue(Zone) ?? schedule.TimeZone,
        }, schedule)), cancellationToken));
    }

    /// <summary>A bound shorter than the pauses of its new times would have it late for ever.</summary>
    private static Schedule BoundFitting(Invocation call, Schedule changed, Schedule before)
    {
        if (changed.Cron == before.Cron || changed.MustSucceedWithin is not { } bound)
            return changed;
        var fitting = ScheduleCheck.Bound(CronTimes.Parse(changed.Cron, changed.TimeZone), call.Service<TimeProvider>().GetUtcNow());
        return fitting > bound || fitting is null ? changed with { MustSucceedWithin = fitting } : changed;
    }

    private static Command Changing(string name, string description, Func<Schedule, Schedule> change) =>
        new Command(name, description) { SchedulesCommand.Name, Invocation.JsonOption }.Does((call, cancellationToken) => ChangeAsync(call, change, cancellationToken));

    private static async Task<int> ChangeAsync(Invocation call, Func<Schedule, Schedule> change, CancellationToken cancellationToken)
    {
        var store = call.Service<ScheduleStore>();
        var schedule = await store.GetAsync(call.Arguments.GetRequiredValue(SchedulesCommand.Name), cancellationToken);
        var changed = change(schedule) with { ChangedBy = Environment.UserName };
        if (changed.Enabled)
            await call.Service<ScheduleCheck>().CheckedAsync(changed, cancellationToken);
        Print(call, await store.ChangeAsync(changed, cancellationToken));
        return ExitCode.Done;
    }

    private static Schedule Given(Invocation call, Schedule schedule)
    {
        var arguments = ScheduleArguments.Parse(schedule.Arguments);
        return schedule with
        {
            Arguments = new ScheduleArguments(
                call.Arguments.GetValue(Window) is { } window ? (window == 0 ? null : window) : arguments.WindowDays,
                call.Arguments.GetValue(MaxHours) is { } hours ? (hours == 0 ? null : hours) : arguments.MaxHours).ToJson(),
            MustSucceedWithin = call.Arguments.GetValue(Within) switch
            {
                null => schedule.MustSucceedWithin,
                0 => null,
                > 0 and <= 9600 and var within => TimeSpan.FromHours(within),
                var within => throw new InputException(FormattableString.Invariant($"--must-succeed-within is {within}: give hours up to 9600, or 0 for never.")),
            },
        };
    }

    private static void Print(Invocation call, Schedule schedule) => call.Print(schedule, lines => lines.WriteLine(
        SchedulesCommand.Line(schedule, schedule.Enabled ? ScheduleCalendar.Next(schedule, call.Service<TimeProvider>().GetUtcNow(), 1).FirstOrDefault() : null)));
}
