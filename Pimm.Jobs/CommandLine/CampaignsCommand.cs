using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Pimm.Core;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Lift;
using Pimm.Core.Training;

namespace Pimm.Jobs.CommandLine;

/// <summary>The campaign's life, for scripts.</summary>
public static class CampaignsCommand
{
    public static Command Create() => new("campaigns", "campaigns: list, show, create from a file, copy") { List(), Show(), New(), Copy() };

    private static Command List()
    {
        var search = new Argument<string>("search") { Description = "part of a name", DefaultValueFactory = _ => "" };
        return new Command("list", "newest first") { search, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var campaigns = await call.Service<CampaignStore>().ListAsync(call.Arguments.GetValue(search)!, 0, 1000, cancellationToken: cancellationToken);
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
        return new Command("show", "one campaign: its seven stages, who is eligible, how alike the arms are") { id, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            await CampaignDisplay.ShowAsync(call, call.Arguments.GetValue(id), cancellationToken);
            return ExitCode.Done;
        });
    }

    private static Command Copy()
    {
        var id = new Argument<long>("id") { Description = "the campaign's number" };
        var name = new Option<string>("--name") { Description = "the new campaign's name", Required = true };
        var startsOn = new Option<string>("--starts-on") { Description = "its first day, as 2026-12-01", Required = true };
        var salt = new Option<string?>("--salt") { Description = "never used before; default made of name and first day" };
        return new Command("copy", "starts a campaign again under another salt, so that its customers are split anew") { id, name, startsOn, salt, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var campaigns = call.Service<CampaignStore>();
            var original = await campaigns.GetAsync(call.Arguments.GetValue(id), cancellationToken);
            var first = DateOnly.TryParseExact(call.Arguments.GetValue(startsOn), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
                ? date : throw new InputException($"--starts-on is \"{call.Arguments.GetValue(startsOn)}\": write the day as 2026-12-01.");
            var title = call.Arguments.GetValue(name)!;
            var copy = original.Copy(title, first, call.Arguments.GetValue(salt) ?? CampaignFile.DefaultSalt(title, first), Environment.UserName, TimeProvider.System.GetUtcNow());
            var copied = await campaigns.CreateAsync(copy, cancellationToken);
            call.Print(new { id = copied, copyOf = original.Id, copy.Salt }, lines => lines.WriteLine(
                $"Campaign {copied} starts campaign {original.Id} again on {first:yyyy-MM-dd} under the salt \"{copy.Salt}\": score it, its customers are split anew."));
            return ExitCode.Done;
        });
    }

    private static Command New()
    {
        var file = new Argument<string>("file") { Description = "JSON: name, audience, control, treatment, startsOn, days, windowDays, impressionsPerDay; optional splitCovariates, trafficShare, layer, contactLimit and more (docs/campaigns.md)" };
        return new Command("create", "makes a campaign out of a JSON file; its model lines are made when they are new") { file, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var described = CampaignFile.Read(call.Arguments.GetValue(file)!);
            var audience = await call.Service<AudienceStore>().FindByNameAsync(described.Audience, cancellationToken)
                ?? throw new InputException($"There is no audience named \"{described.Audience}\": import its customers first.");
            // Refused before anything is made: lines stay.
            var planned = described.ToCampaign(audience.Id, 0, 1, Environment.UserName, TimeProvider.System.GetUtcNow()).Validated();
            CampaignSplitter.CheckCovariates(planned, audience);
            SegmentReader.Check(planned.Segments ?? [], audience);
            Guardrail.Check(planned.GuardrailList(), audience.Funnel);
            var control = await LineAsync(call, audience.Id, described.Control, described.ControlSettings, cancellationToken);
            var treatment = await LineAsync(call, audience.Id, described.Treatment, described.TreatmentSettings, cancellationToken);
            var id = await call.Service<CampaignStore>().CreateAsync(planned with { ControlLineId = control, TreatmentLineId = treatment }, cancellationToken);
            call.Print(new { id }, lines => lines.WriteLine($"Campaign {id} is made: train, score, allocate, export and lift take --campaign {id}."));
            return ExitCode.Done;
        });
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
