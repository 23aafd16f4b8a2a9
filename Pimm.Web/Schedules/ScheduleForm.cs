using System.Globalization;
using Pimm.Core;
using Pimm.Core.Queueing;

namespace Pimm.Web.Schedules;

/// <summary>A schedule as it is typed: the usual times without cron, every other one with it.</summary>
public sealed class ScheduleForm
{
    public const string Daily = "daily";
    public const string Weekly = "weekly";
    public const string Often = "often";
    public const string Text = "cron";

    public string Name { get; set; } = "";

    public string Kind { get; set; } = ScheduleKinds.Campaign;

    public string Subject { get; set; } = "";

    public string When { get; set; } = Daily;

    public TimeOnly Time { get; set; } = new(2, 30);

    public int Weekday { get; set; } = 1;

    public int Minutes { get; set; } = 10;

    public string Cron { get; set; } = "30 2 * * *";

    public string Zone { get; set; } = "UTC";

    public string WindowDays { get; set; } = "";

    public string MaxHours { get; set; } = "";

    public string WithinHours { get; set; } = "26";

    /// <summary>Hours after which its absence is worth a notice: two more than its longest pause.</summary>
    public void SuggestBound() => WithinHours = When switch { Daily => "26", Weekly => "170", Often => "2", _ => WithinHours };

    public static ScheduleForm Of(Schedule schedule)
    {
        var arguments = ScheduleArguments.Parse(schedule.Arguments);
        var form = new ScheduleForm
        {
            Name = schedule.Name, Kind = schedule.Kind, Cron = schedule.Cron, Zone = schedule.TimeZone,
            Subject = $"{schedule.ModelLineId ?? schedule.CampaignId}",
            WindowDays = $"{arguments.WindowDays}", MaxHours = arguments.MaxHours?.ToString(CultureInfo.InvariantCulture) ?? "",
            WithinHours = schedule.MustSucceedWithin?.TotalHours.ToString("0.##", CultureInfo.InvariantCulture) ?? "",
        };
        form.Read(schedule.Cron.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return form;
    }

    /// <exception cref="InputException">a field cannot be read; whether the times can be computed a worker says</exception>
    public Schedule Schedule(Schedule? before)
    {
        long? subject = Kind is ScheduleKinds.Retrain or ScheduleKinds.Campaign
            ? long.TryParse(Subject, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : throw new InputException(Kind == ScheduleKinds.Retrain ? "Choose the model line that is trained." : "Choose the campaign.")
            : null;
        var (line, campaign) = Kind == ScheduleKinds.Retrain ? (subject, (long?)null) : (null, subject);
        var schedule = before is null
            ? Core.Queueing.Schedule.New(Name.Trim(), Kind, line, campaign, CronText(), Zone.Trim(), "")
            : before with { Name = Name.Trim(), Cron = CronText(), TimeZone = Zone.Trim() };
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(schedule.TimeZone, out var zone) || !zone.HasIanaId)
        {
            throw new InputException($"\"{schedule.TimeZone}\" is no time zone: choose one such as Europe/Berlin.");
        }

        return (schedule with
        {
            Arguments = new ScheduleArguments((int?)Number(WindowDays, "The window in days"), Number(MaxHours, "The budget in hours")).ToJson(),
            MustSucceedWithin = Number(WithinHours, "The hours until it is late") is { } hours ? TimeSpan.FromHours(Math.Min(hours, 100_000)) : null,
        }).Validated();
    }

    private string CronText()
    {
        if (When == Text)
        {
            return Cron.Trim().Length is > 0 and <= 200 ? Cron.Trim() : throw new InputException("Write the cron expression, for example 30 2 * * * for 02:30 every day.");
        }

        if (When == Often)
        {
            return Minutes is >= 5 and <= 59 ? $"*/{Minutes} * * * *" : throw new InputException($"Every {Minutes} minutes cannot be: choose 5 to 59.");
        }

        return string.Create(CultureInfo.InvariantCulture, $"{Time.Minute} {Time.Hour} * * {(When == Weekly ? Weekday : "*")}");
    }

    private void Read(string[] fields)
    {
        if (fields is [var every, "*", "*", "*", "*"] && every.StartsWith("*/", StringComparison.Ordinal) && int.TryParse(every[2..], out var minutes))
        {
            (When, Minutes) = (Often, minutes);
        }
        else if (fields is [var minute, var hour, "*", "*", var day] && int.TryParse(minute, out var m) && int.TryParse(hour, out var h) && m is >= 0 and < 60 && h is >= 0 and < 24 && (day == "*" || day is [>= '0' and <= '6']))
        {
            (When, Time) = (day == "*" ? Daily : Weekly, new TimeOnly(h, m));
            Weekday = day == "*" ? Weekday : day[0] - '0';
        }
        else
        {
            When = Text;
        }
    }

    private static double? Number(string text, string what) => text.Trim().Length == 0 ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value
        : throw new InputException($"{what} is \"{text}\": write a number, or nothing.");
}
