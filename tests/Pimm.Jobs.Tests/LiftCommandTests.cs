using System.Text.Json;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>The lift report from the command line: pages, versions, all campaigns.</summary>
public sealed class LiftCommandTests(FinishedCampaign finished) : IClassFixture<FinishedCampaign>
{
    private readonly PimmInstance _pimm = finished.Pimm;
    private readonly string _campaign = $"{finished.Campaign.Id}";

    [Fact]
    public async Task A_new_report_is_the_next_version_with_a_page_and_an_earlier_one_is_shown_as_it_was()
    {
        var page = Path.Combine(_pimm.Folder, "lift.md");
        var printed = await PimmProcess.RunAsync(_pimm.Database, "lift", "--campaign", _campaign, "--report", page);

        printed.ExitCode.ShouldBe(0, printed.Error);
        File.ReadAllText(page).ShouldContain("](lift/numbers.svg)");
        Directory.GetFiles(Path.Combine(_pimm.Folder, "lift")).Length.ShouldBeGreaterThanOrEqualTo(4);
        var versions = (await JsonAsync("lift", "--campaign", _campaign, "--versions", "--json")).GetProperty("versions").EnumerateArray().ToList();
        var mine = versions[^1];
        versions.Select(version => version.GetProperty("version").GetInt32()).ShouldBe(Enumerable.Range(1, versions.Count));
        mine.GetProperty("computedBy").GetString().ShouldBe(Environment.UserName);

        var again = await PimmProcess.RunAsync(_pimm.Database, "lift", "--campaign", _campaign, "--version", $"{mine.GetProperty("version")}");
        again.Output.ShouldBe(printed.Output);
        var json = await JsonAsync("lift", "--campaign", _campaign, "--version", $"{mine.GetProperty("version")}", "--json");
        json.GetProperty("changes").GetProperty("since").GetInt32().ShouldBe(versions.Count - 1);
        json.GetProperty("verdict").GetProperty("status").GetString().ShouldBe(mine.GetProperty("verdict").GetString());
        (await PimmProcess.RunAsync(_pimm.Database, "lift", "--campaign", _campaign, "--versions")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(versions.Count);
    }

    [Fact]
    public async Task All_campaigns_stand_side_by_side_with_the_simulated_ones_marked()
    {
        var page = Path.Combine(_pimm.Folder, "all.md");
        var campaigns = (await JsonAsync("lift", "--portfolio", "--report", page, "--json")).GetProperty("campaigns");

        campaigns.GetArrayLength().ShouldBe(1);
        campaigns[0].GetProperty("simulated").GetBoolean().ShouldBeTrue();
        File.ReadAllText(page).ShouldContain("](all/delivered-lift.svg)");
        (await PimmProcess.RunAsync(_pimm.Database, "lift", "--portfolio")).Output.ShouldContain("(simulated)");
    }

    [Theory]
    [InlineData("Give --campaign ID for one campaign, or --portfolio for all of them.")]
    [InlineData("Give --campaign ID for one campaign, or --portfolio for all of them.", "--campaign", "1", "--portfolio")]
    [InlineData("--portfolio, --versions and --version show different things: give one of them.", "--campaign", "1", "--versions", "--version", "1")]
    [InlineData("must end in .md", "--campaign", "1", "--report", "lift.html")]
    [InlineData("There is no campaign 99", "--campaign", "99", "--versions")]
    [InlineData("Campaign 1 has no lift report of version 99", "--campaign", "1", "--version", "99")]
    [InlineData("--randomisation-test belongs to a new report", "--portfolio", "--randomisation-test", "999")]
    public async Task Wrong_arguments_are_exit_code_2_and_one_sentence(string sentence, params string[] arguments)
    {
        var ran = await PimmProcess.RunAsync(_pimm.Database, ["lift", .. arguments]);

        ran.ExitCode.ShouldBe(2);
        ran.Error.ShouldContain(sentence);
        ran.Output.ShouldBeEmpty();
    }

    private async Task<JsonElement> JsonAsync(params string[] arguments)
    {
        var ran = await PimmProcess.RunAsync(_pimm.Database, arguments);
        ran.ExitCode.ShouldBe(0, ran.Error);
        return JsonDocument.Parse(ran.Output).RootElement.Clone();
    }
}
