using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Pimm.Core;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Core.Training;

namespace Pimm.Jobs.CommandLine;

/// <summary>Verbs that do one stage of a stored campaign: allocate, export, lift; and train and score with --campaign.</summary>
public static class CampaignStageCommands
{
    private static readonly Option<long> Campaign = new("--campaign") { Description = "the campaign's number", Required = true };
    private static readonly Option<string?> Date = new("--date") { Description = "the wave's day, as 2026-03-28; default the next one" };

    private static readonly Option<string?> Channel = new("--channel") { Description = $"profile of the lists: {string.Join(", ", ChannelProfile.All.Select(profile => profile.Name))}; default the campaign's" };

    public static IEnumerable<Command> Create() =>
    [
        Stage(AllocateWave.JobKind, "splits a campaign's customers once and selects its next wave", Date),
        Export(),
        LiftCommand.Create(),
    ];

    /// <summary>`train --campaign`: both lines' next versions.</summary>
    public static async Task<int> TrainAsync(Invocation call, long campaignId, ulong seed, bool acceptChange, CancellationToken cancellationToken)
    {
        var campaign = await call.Service<CampaignStore>().GetAsync(campaignId, cancellationToken);
        foreach (var line in (long[])[campaign.ControlLineId, campaign.TreatmentLineId])
        {
            var request = new TrainLineRequest(line, (long)(seed & long.MaxValue), WindowDays: campaign.WindowDays, AcceptChange: acceptChange);
            await StageRun.DoAsync(call, new JobRequest(TrainModelLine.JobKind, StageRun.NewKey($"train/{line}"), request), cancellationToken);
        }
        return ExitCode.Done;
    }

    /// <summary>`score --campaign`.</summary>
    public static Task<int> ScoreAsync(Invocation call, long campaignId, CancellationToken cancellationToken) =>
        StageRun.DoAsync(call, new JobRequest(ScoreCampaign.JobKind, StageRun.NewKey("score"), new { }, campaignId), cancellationToken);

    private static Command Stage(string kind, string description, Option<string?> date) =>
        new Command(kind, description) { Campaign, date, Invocation.JsonOption }.Does((call, cancellationToken) =>
            StageRun.DoAsync(call, new JobRequest(kind, StageRun.NewKey(kind), new { }, call.Arguments.GetValue(Campaign), DateOf(call)), cancellationToken));

    private static Command Export() =>
        new Command(ExportWave.JobKind, "writes the two audience lists of a wave, or of all waves without lists; where there is none, again those of whose customers some may not be contacted any more") { Campaign, Date, Channel, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var request = new ExportRequest(call.Arguments.GetValue(Channel) is { } channel ? ChannelProfile.Get(channel).Name : null, $"cli:{Environment.UserName}");
            var run = await StageRun.RunAsync(call, new JobRequest(ExportWave.JobKind, StageRun.NewKey(ExportWave.JobKind), request, call.Arguments.GetValue(Campaign), DateOf(call)), cancellationToken);
            var result = JsonNode.Parse(run.Result!)!;
            call.Print(new { run = run.Id, run.Kind, run.State, result }, lines => Tell(lines, run.Id, result, call.Service<IOptions<ExportingOptions>>().Value.Folder));
            return ExitCode.Done;
        });

    private static void Tell(TextWriter lines, long run, JsonNode result, string folder)
    {
        var profile = ChannelProfile.Get((string)result["channel"]!);
        var lists = result["lists"]!.AsArray();
        lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{lists.Count} lists for {profile.Name}, each with its manifest, are in {Path.GetFullPath(folder)} (run {run})."));
        foreach (var list in lists)
        {
            var rows = (long)list!["rows"]!;
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {list["fileName"]}: {rows:N0} rows, {(long)list["withheld"]!:N0} withheld, {(long)list["unlisted"]!:N0} without an identifier{(profile.TooSmall(rows) is { } warning ? $"; warning: {warning}" : "")}"));
        }
    }

    private static DateOnly? DateOf(Invocation call) => call.Arguments.GetValue(Date) switch
    {
        null => null,
        var text when DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) => date,
        var text => throw new InputException($"--date is \"{text}\": write the day as 2026-03-28."),
    };
}
