using System.CommandLine;
using System.Globalization;
using Pimm.Core;
using Pimm.Core.Approving;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;

namespace Pimm.Jobs.CommandLine;

/// <summary>The campaign's life, for scripts.</summary>
public static class CampaignsCommand
{
    public static Command Create()
    {
        var campaigns = new Command("campaigns", "campaigns: list, show, create from a file, copy, count who is eligible, submit, withdraw, pause, resume, stop") { List(), Show(), New(), Copy(), CampaignCountCommand.Create() };
        foreach (var verb in CampaignLifeCommands.Create())
        {
            campaigns.Add(verb);
        }
        return campaigns;
    }

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
            var id = await call.Service<CampaignDrafts>().CreateAsync(described, Environment.UserName, AuditActor.CommandLine, cancellationToken);
            call.Print(new { id }, lines => lines.WriteLine($"Campaign {id} is made: train and score take --campaign {id}; submit it (pimm campaigns submit {id}), let somebody else approve it, then allocate, export and lift do."));
            return ExitCode.Done;
        });
    }
}
