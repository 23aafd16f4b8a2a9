using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Localization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Pimm.Core.Lift;
using Pimm.Web.Sentences;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

/// <summary>What a report says in English, in the reader's language.</summary>
public sealed partial class SentencesTests(WebFixture web)
{
    private static readonly CoreSentences Said = new(new StringLocalizer<SentencesWords>(
        new ResourceManagerStringLocalizerFactory(Options.Create(new LocalizationOptions()), NullLoggerFactory.Instance)));

    public static TheoryData<string> Known => [.. CoreSentences.Known];

    [Theory]
    [MemberData(nameof(Known))]
    public void Every_sentence_is_found_by_its_words_and_keeps_what_stands_in_its_places(string sentence)
    {
        // A number that nothing else says, a time, and a name that looks like a list.
        var english = Place().Replace(sentence, place => place.Groups[2].Value switch
        {
            "" => $"North & South, {place.Groups[1].Value}th",
            ":yyyy-MM-dd HH:mm" => $"2026-03-0{place.Groups[1].Value} 10:00",
            _ => $"+{place.Groups[1].Value}7.25",
        });

        In("en", english).ShouldBe(english);
        var chinese = In("zh-CN", english);
        WordsIn(chinese.Replace("North & South", "", StringComparison.Ordinal)).ShouldBeEmpty(chinese);
        Filled().Matches(chinese).Select(match => match.Value).Order().ShouldBe(Filled().Matches(english).Select(match => match.Value).Order(), chinese);
    }

    [Fact]
    public async Task A_report_is_read_in_chinese()
    {
        var report = LiftReport.FromJson((await web.Services.GetRequiredService<LiftStore>().NewestAsync(web.Campaign))!.Report);
        foreach (var sentence in report.Checks.Select(check => check.Sentence).Append(report.Verdict!.Sentence))
        {
            WordsIn(In("zh-CN", sentence)).Except(["control-score", "treatment-score", "newcombe", "disagreement-set", "age", "city", "Kiel", "Bremen"]).ShouldBeEmpty(sentence);
        }

        await using var page = await web.OpenAsync();
        await page.GoAsync("/");
        await page.Page.ClickAsync(".user-menu summary");
        await page.Page.ClickAsync("text=简体中文");
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("首页");
        await page.GoAsync($"/campaigns/{web.Campaign}/results");
        await Expect(page.Page.Locator(".verdict p").First).ToHaveTextAsync(In("zh-CN", report.Verdict!.Sentence));
        await Expect(page.Page.Locator(".numbers .headline .number-name")).ToContainTextAsync("每 1,000 次曝光的额外核心转化");
        await Expect(page.Page.Locator(".checks li").First).ToContainTextAsync("分流");
        page.ShouldBeQuiet();
    }

    // Names stay as they are.
    private static IEnumerable<string> WordsIn(string chinese) => English().Matches(chinese).Select(match => match.Value).Except(["UTC", "Holm", "PIMM", "th"]);

    private static string In(string language, string english)
    {
        var before = CultureInfo.CurrentUICulture;
        try
        {
            CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(language);
            return Said[english];
        }
        finally
        {
            CultureInfo.CurrentUICulture = before;
        }
    }

    [GeneratedRegex(@"\{(\d+)(:[^}]*)?\}")]
    private static partial Regex Place();

    [GeneratedRegex("[A-Za-z][A-Za-z'-]+")]
    private static partial Regex English();

    [GeneratedRegex(@"\+\d7\.25|2026-03-0\d 10:00|\dth")]
    private static partial Regex Filled();
}
