using System.Globalization;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Lift;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Core.Statistics;
using Pimm.Core.Training;

namespace Pimm.Core.Scheduling;

/// <summary>One run of a firing; it waits for the one before it in <see cref="ScheduledWork.Runs"/> where that is asked for.</summary>
/// <param name="Part">distinguishes several runs of one kind; null: there is one</param>
/// <param name="AfterPrevious">starts when the run before it has succeeded</param>
/// <param name="AfterRun">starts when this run, which exists, has succeeded</param>
public sealed record PlannedRun(
    string Kind, object Arguments, long? CampaignId = null, string? Part = null, bool AfterPrevious = false, long? AfterRun = null);

/// <summary>What is known of a campaign when its schedule fires.</summary>
/// <param name="HasScores">a scoring is finished</param>
/// <param name="OpenScoring">a scoring that waits or runs; null: none</param>
public sealed record CampaignFacts(Campaign Campaign, bool HasScores, long? OpenScoring);

/// <summary>A campaign that had a wave.</summary>
/// <param name="ReportedAt">when its newest lift report was computed; null: never</param>
public sealed record ReportedCampaign(Campaign Campaign, DateTimeOffset? ReportedAt);

/// <summary>What a firing asks for, and how it is told.</summary>
public sealed record ScheduledWork(IReadOnlyList<PlannedRun> Runs, string Outcome)
{
    /// <summary>Where no campaign uses a line.</summary>
    public const int DefaultWindowDays = 30;

    /// <summary>The next version as of the occasion, its seed made from schedule and day, and after it the question whether it is better.</summary>
    /// <param name="longestWindow">of the campaigns that use the line; null: none does</param>
    public static ScheduledWork Retrain(Schedule schedule, Occasion occasion, int? longestWindow)
    {
        var line = schedule.ModelLineId!.Value;
        var window = ScheduleArguments.Parse(schedule.Arguments).WindowDays ?? longestWindow ?? DefaultWindowDays;
        var seed = (long)(RandomStream.Seed((ulong)schedule.Id, "schedule", occasion.Date.DayNumber) & long.MaxValue);
        return new([
            new(TrainModelLine.JobKind, new TrainLineRequest(line, seed, occasion.At, window)),
            new(PromoteKind, new { modelLineId = line }, AfterPrevious: true)],
            Text($"training as of {occasion.At:yyyy-MM-dd HH:mm} UTC with a window of {window} days, then promotion"));
    }

    /// <summary>The wave of the occasion's day, within the campaign's days and never for a day that is over.</summary>
    /// <exception cref="InputException">the schedule is in another zone than the campaign, whose definition may be younger</exception>
    public static ScheduledWork OfCampaign(Schedule schedule, CampaignFacts facts, Occasion occasion, DateTimeOffset now)
    {
        CheckZone(schedule, facts.Campaign);
        var (campaign, date, last) = (facts.Campaign, occasion.Date, facts.Campaign.StartsOn.AddDays(facts.Campaign.Days - 1));
        if (date < campaign.StartsOn || date > last)
            return new([], Text($"nothing to do: {date:yyyy-MM-dd} is no day of campaign \"{campaign.Name}\", which runs from {campaign.StartsOn:yyyy-MM-dd} to {last:yyyy-MM-dd}"));
        if (date < campaign.DateOf(now))
            return new([], Text($"nothing to do: {date:yyyy-MM-dd} is over in {campaign.TimeZone}, and a wave counts from a day on which its lists can be delivered"));
        List<PlannedRun> runs = [];
        if (!facts.HasScores && facts.OpenScoring is null)
            runs.Add(new(ScoreCampaign.JobKind, new { }, campaign.Id));
        // Its scoring may fail tonight and be tried again in days.
        var onTime = new WaveRequest(OnItsDayOnly: true);
        runs.Add(new(AllocateWave.JobKind, onTime, campaign.Id, AfterPrevious: runs.Count > 0, AfterRun: facts.HasScores ? null : facts.OpenScoring));
        runs.Add(new(ExportWave.JobKind, onTime, campaign.Id, AfterPrevious: true));
        return new(runs, Text($"the wave of {date:yyyy-MM-dd}: {string.Join(", then ", runs.Select(run => run.Kind))}"));
    }

    /// <summary>
    /// A wave is a day in the campaign's zone. In another one a firing near midnight is for the day that is over or not begun, and
    /// when clocks change for the same day twice.
    /// </summary>
    /// <exception cref="InputException">the zones differ</exception>
    public static void CheckZone(Schedule schedule, Campaign campaign)
    {
        if (schedule.TimeZone != campaign.TimeZone)
            throw new InputException($"The schedule \"{schedule.Name}\" is in {schedule.TimeZone}, and the days of campaign \"{campaign.Name}\" are those of {campaign.TimeZone}: choose --time-zone {campaign.TimeZone}.");
    }

    /// <summary>A report of every campaign whose windows are open, or closed after its newest report.</summary>
    public static ScheduledWork Lift(IReadOnlyList<ReportedCampaign> campaigns)
    {
        var due = campaigns.Where(campaign => campaign.ReportedAt is not { } at || at < campaign.Campaign.ClosesAt).Select(campaign => campaign.Campaign).ToList();
        return new(
            [.. due.Select(campaign => new PlannedRun(MeasureLift.JobKind, new LiftRequest("schedule"), campaign.Id, campaign.Id.ToString(CultureInfo.InvariantCulture)))],
            due.Count == 0 ? "nothing to do: no campaign has a window that is open, or closed since its last report" : Text($"lift reports of {due.Count} campaigns"));
    }

    /// <summary>One run of the kind, without arguments.</summary>
    public static ScheduledWork Single(string kind) => new([new(kind, new { })], kind);

    // Evaluation and promotion of a line's newest version.
    private const string PromoteKind = "promote";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
