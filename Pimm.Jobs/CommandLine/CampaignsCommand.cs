using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Pimm.Core;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Lift;
using Pimm.Core.Training;

namespace Pimm.Jobs.CommandLine;

/// <summary>A campaign as a file describes it.</summary>
/// <param name="Audience">the audience's name</param>
/// <param name="Control">network of the control line: a name of the catalogue of networks, or random</param>
/// <param name="ControlSettings">settings of the control line as `train --set`; "ignore" and "allowLeak" are lists of attributes</param>
/// <param name="Salt">never used before; default made of name and first day</param>
/// <param name="Segments">attributes of the audience, or controlScore, by which the lift report is broken down; at most 5</param>
/// <param name="Guardrails">what the treatment must not make worse: metric and relative margin</param>
public sealed record CampaignFile(
    string Name, string Audience, string Control, string Treatment, DateOnly StartsOn, int Days, int WindowDays, int ImpressionsPerDay,
    string TimeZone = "UTC", double HoldbackShare = 0.1, double ExplorationShare = 0.05, string SplitMethod = "best-of",
    int SplitCandidates = 100, string? Salt = null, int? PlannedConversions = null,
    Dictionary<string, string>? ControlSettings = null, Dictionary<string, string>? TreatmentSettings = null,
    string[]? Segments = null, Guardrail[]? Guardrails = null);

/// <summary>The campaign's life, for scripts.</summary>
public static class CampaignsCommand
{
    public static Command Create() => new("campaigns", "campaigns: list, show, create from a file") { List(), Show(), New() };

    private static Command List()
    {
        var search = new Argument<string>("search") { Description = "part of a name", DefaultValueFactory = _ => "" };
        return new Command("list", "newest first") { search, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var campaigns = await call.Service<CampaignStore>().ListAsync(call.Arguments.GetValue(search)!, 0, 1000, cancellationToken);
            call.Print(new { campaigns = campaigns.Select(c => new { c.Id, c.Name, c.Audience, c.Simulated, c.StartsOn, c.Days, c.StagesDone, c.CurrentStage, c.Busy }) }, lines =>
            {
                foreach (var campaign in campaigns)
                {
                    lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"{campaign.Id,5}  {campaign.StartsOn:yyyy-MM-dd} +{campaign.Days}d  {campaign.StagesDone}/7 {campaign.CurrentStage ?? "finished",-10}  {campaign.Name}"));
                }
                if (campaigns.Count == 0)
                {
                    lines.WriteLine("No campaigns: pimm demo makes a simulated one, pimm campaigns create FILE a real one.");
                }
            });
            return ExitCode.Done;
        });
    }

    private static Command Show()
    {
        var id = new Argument<long>("id") { Description = "the campaign's number" };
        return new Command("show", "one campaign and the state of its seven stages") { id, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var campaign = await call.Service<CampaignStore>().GetAsync(call.Arguments.GetValue(id), cancellationToken);
            var stages = await call.Service<CampaignStore>().StagesAsync(campaign.Id, cancellationToken);
            call.Print(new { campaign, stages }, lines =>
            {
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{campaign.Name}: {campaign.Days} days from {campaign.StartsOn:yyyy-MM-dd} ({campaign.TimeZone}), {campaign.ImpressionsPerDay:N0} impressions a day and arm, window {campaign.WindowDays} days"));
                foreach (var stage in stages)
                {
                    lines.WriteLine(FormattableString.Invariant($"  {stage.Ordinal} {stage.Stage,-11} {stage.State,-9} {stage.Quantity:N0} {stage.Unit} {(stage.State == "done" ? "" : $"{stage.Message} {stage.Error}")}").TrimEnd());
                }
            });
            return ExitCode.Done;
        });
    }

    private static Command New()
    {
        var file = new Argument<string>("file") { Description = "JSON: name, audience, control, treatment, startsOn, days, windowDays, impressionsPerDay, …" };
        return new Command("create", "makes a campaign out of a JSON file; its model lines are made when they are new") { file, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var described = Read(call.Arguments.GetValue(file)!);
            var audience = await call.Service<AudienceStore>().FindByNameAsync(described.Audience, cancellationToken)
                ?? throw new InputException($"There is no audience named \"{described.Audience}\": import its customers first.");
            SegmentReader.Check(described.Segments ?? [], audience);
            Guardrail.Check(described.Guardrails ?? [], audience.Funnel);
            var control = await LineAsync(call, audience.Id, described.Control, described.ControlSettings, cancellationToken);
            var treatment = await LineAsync(call, audience.Id, described.Treatment, described.TreatmentSettings, cancellationToken);
            var id = await call.Service<CampaignStore>().CreateAsync(new Campaign(
                0, described.Name, audience.Id, control, treatment, described.TimeZone, described.StartsOn, described.Days, described.WindowDays,
                described.ImpressionsPerDay, described.HoldbackShare, described.ExplorationShare, described.SplitMethod, described.SplitCandidates,
                described.Salt ?? string.Create(CultureInfo.InvariantCulture, $"{described.Name}/{described.StartsOn:yyyy-MM-dd}"), Environment.UserName,
                TimeProvider.System.GetUtcNow(), described.PlannedConversions, described.Segments, Guardrail.ToJson(described.Guardrails ?? [])), cancellationToken);
            call.Print(new { id }, lines => lines.WriteLine($"Campaign {id} is made: train, score, allocate, export and lift take --campaign {id}."));
            return ExitCode.Done;
        });
    }

    private static CampaignFile Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<CampaignFile>(File.ReadAllText(path), new JsonSerializerOptions(JsonSerializerDefaults.Web) { RespectRequiredConstructorParameters = true })
                ?? throw new InputException($"{path} holds the JSON null: describe a campaign.");
        }
        catch (JsonException damage)
        {
            throw new InputException(
                $"{path} describes no campaign{(damage.Path is { Length: > 2 } at ? $" (look at \"{at[2..]}\")" : "")}: give JSON with name, audience, control, treatment, startsOn (2026-12-01), days, windowDays and impressionsPerDay; docs/campaigns.md has an example.", damage);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} cannot be read: check that it is there and that you may read it.", unreadable);
        }
    }

    /// <summary>Lines of the same network with other settings are other lines.</summary>
    private static async Task<long> LineAsync(
        Invocation call, long audienceId, string network, Dictionary<string, string>? settings, CancellationToken cancellationToken)
    {
        var models = call.Service<ModelStore>();
        var name = string.Join(' ', [network, .. (settings ?? []).OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"{s.Key}={s.Value}")]);
        return (await models.FindLineAsync(audienceId, name, cancellationToken))?.Id
            ?? await models.CreateLineAsync(audienceId, name, network, JsonSerializer.Serialize(settings ?? []), cancellationToken);
    }
}
