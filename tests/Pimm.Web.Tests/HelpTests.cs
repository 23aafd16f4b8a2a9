using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Pimm.Core.Lift;
using Pimm.Web.Help;
using Pimm.Web.Lift;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

public sealed partial class HelpTests(WebFixture web)
{
    private static HashSet<string> Known => [.. Glossary.All.Select(entry => entry.Id)];

    [Fact]
    public void Every_word_that_leads_to_the_glossary_has_an_entry()
    {
        var pages = Directory.GetFiles(Pages(), "*.razor", SearchOption.AllDirectories);
        var used = pages.SelectMany(page => Term().Matches(File.ReadAllText(page)).Select(match => match.Groups[1].Value)).ToHashSet(StringComparer.Ordinal);

        used.Count.ShouldBeGreaterThan(5);
        used.Except(Known).ShouldBeEmpty();
        typeof(LiftKeys).GetFields().Select(field => LiftTerms.Of((string)field.GetRawConstantValue()!)).Except(Known).ShouldBeEmpty();
        Glossary.All.Count.ShouldBe(Known.Count);
    }

    [Fact]
    public async Task A_word_on_the_results_leads_to_its_entry_and_the_three_steps_are_there_in_chinese_too()
    {
        await using var page = await web.OpenAsync();
        await page.GoAsync($"/campaigns/{web.Campaign}/results");
        await page.Page.Locator(".numbers a.term[href='/help#disagreement-set']").First.ClickAsync();
        await page.Page.WaitForURLAsync("**/help#disagreement-set");
        await Expect(page.Page.Locator("#disagreement-set")).ToBeInViewportAsync();
        await Expect(page.Page.Locator(".steps-three li")).ToHaveCountAsync(3);

        await page.Page.Context.AddCookiesAsync([new Cookie { Name = "pimm-language", Value = "c=en|uic=zh-CN", Url = web.Address.ToString() }]);
        await page.GoAsync("/help");
        await Expect(page.Page.Locator("#disagreement-set dt")).ToHaveTextAsync("分歧集");
        page.ShouldBeQuiet();
    }

    private static string Pages([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "Pimm.Web");

    // Without an @: those ids come from LiftTerms.
    [GeneratedRegex("<Term Id=\"([^\"@]+)\"")]
    private static partial Regex Term();
}
