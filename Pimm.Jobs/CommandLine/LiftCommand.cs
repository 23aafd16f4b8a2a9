using System.CommandLine;
using System.Globalization;
using Pimm.Core;
using Pimm.Core.Campaigns;
using Pimm.Core.Lift;
using Pimm.Core.Queueing;
using Pimm.Core.Training;

namespace Pimm.Jobs.CommandLine;

/// <summary>A campaign's lift report, its earlier versions, and all campaigns side by side.</summary>
public static class LiftCommand
{
    private static readonly Option<long?> Campaign = new("--campaign") { Description = "the campaign's number" };
    private static readonly Option<bool> Portfolio = new("--portfolio") { Description = "the newest reports of all campaigns side by side" };
    private static readonly Option<bool> Versions = new("--versions") { Description = "list the reports computed so far" };
    private static readonly Option<int?> Version = new("--version") { Description = "show this earlier report exactly as it was" };
    private static readonly Option<string?> Report = new("--report") { Description = "write a page, Markdown with figures in a folder beside it" };

    public static Command Create() =>
        new Command(MeasureLift.JobKind, "computes a campaign's lift report and prints it") { Campaign, Portfolio, Versions, Version, Report, LiftRandomisationTest.Draws, Invocation.JsonOption }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation call, CancellationToken cancellationToken)
    {
        var (arguments, page) = (call.Arguments, call.Arguments.GetValue(Report));
        var (campaign, portfolio, versions, version) = (arguments.GetValue(Campaign), arguments.GetValue(Portfolio), arguments.GetValue(Versions), arguments.GetValue(Version));
        if (campaign is null != portfolio)
        {
            throw new InputException("Give --campaign ID for one campaign, or --portfolio for all of them.");
        }
        if ((portfolio ? 1 : 0) + (versions ? 1 : 0) + (version is null ? 0 : 1) > 1)
        {
            throw new InputException("--portfolio, --versions and --version show different things: give one of them.");
        }
        if ((portfolio || versions || version is not null) && arguments.GetResult(LiftRandomisationTest.Draws) is not null)
        {
            throw new InputException("--randomisation-test belongs to a new report of one campaign: leave out --portfolio, --versions and --version.");
        }
        if (versions && page is not null)
        {
            throw new InputException("--report writes a page about one report or about --portfolio: leave out --versions.");
        }
        if (page is not null)
        {
            ModelCard.RefuseUnwritable(page);
        }
        return portfolio ? await PortfolioAsync(call, page, cancellationToken)
            : versions ? await ListAsync(call, campaign!.Value, cancellationToken)
            : await OneAsync(call, campaign!.Value, version, page, cancellationToken);
    }

    private static async Task<int> OneAsync(Invocation call, long campaign, int? version, string? page, CancellationToken cancellationToken)
    {
        var lifts = call.Service<LiftStore>();
        var draws = LiftRandomisationTest.DrawsOf(call);
        if (version is null)
        {
            await StageRun.RunAsync(
                call, new JobRequest(MeasureLift.JobKind, StageRun.NewKey("lift"), new LiftRequest(Environment.UserName), campaign), cancellationToken);
        }
        var stored = version is { } earlier
            ? await lifts.GetAsync((await call.Service<CampaignStore>().GetAsync(campaign, cancellationToken)).Id, earlier, cancellationToken)
            : (await lifts.NewestAsync(campaign, cancellationToken))!;
        if (page is not null)
        {
            LiftMarkdown.Write(LiftReport.FromJson(stored.Report), page);
        }
        var test = draws is { } asked ? await LiftRandomisationTest.RunAsync(call, campaign, asked, stored.AsOf, cancellationToken) : null;
        call.Output.Write(call.Json ? LiftRandomisationTest.Beside(stored.Report, test) + "\n" : stored.Page ?? LiftReportText.Render(LiftReport.FromJson(stored.Report)));
        if (test is not null && !call.Json)
        {
            call.Output.WriteLine(test.Sentence);
        }
        return ExitCode.Done;
    }

    private static async Task<int> ListAsync(Invocation call, long campaign, CancellationToken cancellationToken)
    {
        var versions = await call.Service<LiftStore>().VersionsAsync((await call.Service<CampaignStore>().GetAsync(campaign, cancellationToken)).Id, cancellationToken);
        call.Print(new { campaign, versions }, lines =>
        {
            foreach (var version in versions)
            {
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{version.Version,4}  {version.ComputedAt:yyyy-MM-dd HH:mm} UTC  {version.Verdict ?? "none",-13}{version.ComputedBy ?? "",-16}run {version.RunId}, code {version.CodeVersion}"));
            }
            if (versions.Count == 0)
            {
                lines.WriteLine($"No reports yet: pimm lift --campaign {campaign} computes one.");
            }
        });
        return ExitCode.Done;
    }

    private static async Task<int> PortfolioAsync(Invocation call, string? page, CancellationToken cancellationToken)
    {
        var portfolio = LiftPortfolio.Of(await call.Service<LiftStore>().NewestOfAllAsync(cancellationToken));
        if (page is not null)
        {
            portfolio.Write(page);
        }
        call.Output.Write(call.Json ? portfolio.ToJson() + "\n" : portfolio.ToText());
        return ExitCode.Done;
    }
}
