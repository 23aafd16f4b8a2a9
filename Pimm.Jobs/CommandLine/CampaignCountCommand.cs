using System.CommandLine;
using System.Globalization;
using Pimm.Core;
using Pimm.Core.Approving;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Scoring;

namespace Pimm.Jobs.CommandLine;

/// <summary>Who would be eligible, before anything is made or scored.</summary>
internal static class CampaignCountCommand
{
    public static Command Create()
    {
        var what = new Argument<string>("campaign") { Description = "a campaign's number, or a file as `campaigns create` takes it" };
        return new Command("count", "who would be eligible now, step by step; makes and changes nothing") { what, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var given = call.Arguments.GetValue(what)!;
            var campaign = long.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                ? await call.Service<CampaignStore>().GetAsync(id, cancellationToken)
                : await call.Service<CampaignDrafts>().PreviewAsync(CampaignFile.Read(given), cancellationToken);
            var profile = ChannelProfile.Get(campaign.Channel);
            var found = await call.Service<EligibilityCounter>().CountAsync(
                campaign, profile.NeedsIdentifier ? [.. profile.Kinds.Select(kind => (short)kind)] : null, cancellationToken);
            call.Print(new { campaign.Name, found.Version, found.Steps, found.Reachable }, lines =>
            {
                foreach (var step in found.Steps)
                {
                    lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{step.Step,-16} {step.Customers,14:N0}"));
                }
                if (found.Reachable is { } reachable)
                {
                    lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{reachable:N0} of them have an identifier that {profile.Name} takes."));
                }
            });
            return ExitCode.Done;
        });
    }
}
