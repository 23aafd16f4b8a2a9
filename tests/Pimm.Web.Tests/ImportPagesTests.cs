using System.Text;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Testing;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

/// <summary>What the pages of imports say of files that cannot be used, to whom they show what, and how they look.</summary>
public sealed class ImportPagesTests(WebFixture web)
{
    public static TheoryData<string, string, string> Refused => new()
    {
        { "report.pdf", "%PDF-1.7\n%\u00e2\u00e3\u00cf\u00d3\n1 0 obj <</Type /Catalog>>", "PDF" },
        { "empty.csv", "", "is empty" },
        { "header.csv", "id;age;city\n", "has a header and no rows" },
        { "twice.csv", "id;age;age\nk1;2;3\n", "age" },
        { "people.xlsx", "PK\u0003\u0004rest of a workbook", "" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task A_file_that_cannot_be_read_is_refused_in_one_sentence_where_it_was_chosen(string name, string content, string says)
    {
        await using var page = await web.OpenAsync();
        await page.Page.GotoAsync("/imports/new");
        await page.Page.SetInputFilesAsync("#file", new FilePayload { Name = name, MimeType = "text/csv", Buffer = Encoding.Latin1.GetBytes(content) });

        await Expect(page.Page.Locator("[data-refusal]")).ToContainTextAsync(says.Length > 0 ? says : name);
        await Expect(page.Page.Locator("[data-drop]")).ToBeVisibleAsync();
        page.Page.Url.ShouldEndWith("/imports/new");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_file_chosen_before_the_page_is_ready_is_sent_when_it_is()
    {
        await using var page = await web.OpenAsync();
        var script = new TaskCompletionSource();
        await page.Page.RouteAsync("**/js/upload*", async route =>
        {
            await script.Task;
            await route.ContinueAsync();
        });
        await page.Page.GotoAsync("/imports/new", new() { WaitUntil = WaitUntilState.Commit });
        await page.Page.SetInputFilesAsync("#file", new FilePayload { Name = "header.csv", MimeType = "text/csv", Buffer = "id;age;city\n"u8.ToArray() });
        script.SetResult();

        await Expect(page.Page.Locator("[data-refusal]")).ToContainTextAsync("has a header and no rows");
    }

    [Fact]
    public async Task A_file_without_a_header_and_a_key_given_twice_cannot_be_checked()
    {
        await using var page = await web.OpenAsync();
        await ImportStoryTests.SendAsync(page, "headless.csv", Encoding.UTF8.GetBytes("k1;31;Kiel\nk2;32;Bremen\nk3;33;Kiel\n"));
        var check = page.Page.GetByRole(AriaRole.Button, new() { Name = "Check all rows" });
        await page.Page.Locator("#audience").SelectOptionAsync("");
        await page.Page.GetByLabel("Name of the new audience").FillAsync("Headless");

        await Expect(page.Page.Locator("#problem")).ToContainTextAsync("No column has the role key");
        await Expect(check).ToBeDisabledAsync();

        await Expect(page.Page.GetByText("The first line looks like data")).ToBeVisibleAsync();
        await page.Page.GetByLabel("What k1 is").SelectOptionAsync("key");
        await Expect(check).ToBeEnabledAsync();
        await page.Page.GetByLabel("Stages of its funnel").FillAsync("click, click");
        await page.Page.GetByLabel("Stages of its funnel").BlurAsync();
        await Expect(page.Page.Locator("#problem")).ToContainTextAsync("names a stage twice");
        await page.Page.GetByLabel("Stages of its funnel").FillAsync("click, buy");
        await page.Page.GetByLabel("Country of phones").FillAsync("XX");
        await page.Page.GetByLabel("Country of phones").BlurAsync();
        await Expect(page.Page.Locator("#problem")).ToContainTextAsync("has the default country \"XX\"");
        await page.Page.GetByLabel("Country of phones").FillAsync("");
        await page.Page.GetByLabel("Attribute that Kiel becomes").FillAsync("a\"b");
        await page.Page.GetByLabel("Attribute that Kiel becomes").BlurAsync();
        await Expect(page.Page.Locator("#problem")).ToContainTextAsync("The attribute name \"a\"b\" is not a letter");
        await page.Page.GetByLabel("Attribute that Kiel becomes").FillAsync("Kiel");
        await page.Page.GetByLabel("What 31 is").SelectOptionAsync("key");
        await Expect(page.Page.Locator("#problem")).ToContainTextAsync("gives the role key twice");
        await Expect(page.Page.GetByLabel("What k1 is")).ToHaveValueAsync("key");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task In_chinese_the_script_and_the_pages_speak_chinese_and_only_the_engine_english()
    {
        await using var page = await web.OpenAsync();
        await page.Page.Context.AddCookiesAsync([new Cookie { Name = "pimm-language", Value = "c=en|uic=zh-CN", Url = web.Address.ToString() }]);
        await page.Page.GotoAsync("/imports/new");
        await page.Page.SetInputFilesAsync("#file", new FilePayload { Name = "leer.csv", MimeType = "text/csv", Buffer = [] });
        await Expect(page.Page.Locator("[data-refusal]")).ToHaveTextAsync("leer.csv 是空文件:没有任何字节。");

        await ImportStoryTests.SendAsync(page, "zh.csv", CustomerFile.Of(rows: 5, bad: 0, name: "zh"));
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("映射 zh.csv 的各列");
        await page.Page.Locator("#audience").SelectOptionAsync("");
        await Expect(page.Page.Locator("#problem")).ToHaveTextAsync("请为新受众命名,或选择已有受众。");
        await Expect(page.Page.GetByLabel("Customer ID 的含义").Locator("option:checked")).ToHaveTextAsync("键:标识客户");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_file_over_the_cap_is_not_sent_at_all()
    {
        await using var page = await web.OpenAsync();
        var sent = new List<string>();
        page.Page.Request += (_, request) => sent.Add(request.Url);
        await page.Page.GotoAsync("/imports/new");
        await Expect(page.Page.Locator("[data-drop]")).ToContainTextAsync("at most 2.0 MB");
        await page.Page.SetInputFilesAsync("#file", new FilePayload { Name = "large.csv", MimeType = "text/csv", Buffer = new byte[2_000_001] });

        await Expect(page.Page.Locator("[data-refusal]")).ToContainTextAsync("large.csv has 2.0 MB, more than the 2.0 MB that this server takes");
        sent.ShouldNotContain(url => url.Contains("/imports/upload", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_upload_can_be_stopped()
    {
        await using var page = await web.OpenAsync();
        // Never answered: the browser goes on sending.
        await page.Page.RouteAsync("**/imports/upload*", _ => Task.CompletedTask);
        await page.Page.GotoAsync("/imports/new");
        await page.Page.SetInputFilesAsync("#file", new FilePayload { Name = "stopped.csv", MimeType = "text/csv", Buffer = CustomerFile.Of(rows: 10, bad: 0) });
        await Expect(page.Page.Locator("[data-drop]")).ToBeHiddenAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Cancel the upload" }).ClickAsync();

        await Expect(page.Page.Locator("[data-refusal]")).ToHaveTextAsync("You stopped the upload of stopped.csv. Nothing of it was kept.");
        await Expect(page.Page.Locator("[data-drop]")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task What_was_mapped_comes_back_from_the_check()
    {
        await using var page = await web.OpenAsync();
        await ImportStoryTests.SendAsync(page, "back.csv", CustomerFile.Of(rows: 40, bad: 0, name: "back"));
        await ImportStoryTests.MapAsync(page, "There and back");
        await page.Page.GetByLabel("What City is").SelectOptionAsync("proxy");
        await page.Page.GetByLabel("Attribute that City becomes").FillAsync("home_town");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Check all rows" }).ClickAsync();
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Change the mapping" }).ClickAsync();

        await Expect(page.Page.GetByLabel("What City is")).ToHaveValueAsync("proxy");
        await Expect(page.Page.GetByLabel("Attribute that City becomes")).ToHaveValueAsync("home_town");
        await Expect(page.Page.GetByLabel("What Notes is")).ToHaveValueAsync("ignore");
        await Expect(page.Page.GetByLabel("Name of the new audience")).ToHaveValueAsync("There and back");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_viewer_sees_the_history_and_neither_values_nor_doors()
    {
        await using var page = await web.OpenAsync("vera");
        await page.GoAsync("/imports?search=Savers+of+the+north");

        var row = page.Page.Locator("tbody tr").Filter(new() { HasText = "customers of Savers of the north" }).First;
        await Expect(row).ToBeVisibleAsync();
        await Expect(page.Page.GetByText("Import a file")).ToHaveCountAsync(0);
        await row.Locator("a").First.ClickAsync();
        await Expect(page.Page.Locator("#undo-title")).ToBeVisibleAsync();
        await Expect(page.Page.GetByText("Download the bad rows")).ToHaveCountAsync(0);
        await page.Page.GotoAsync("/imports/new");
        await Expect(page.Page.Locator(".empty h2")).ToHaveTextAsync("Your role starts no import");
        await Expect(page.Page.Locator("#file")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task An_installation_without_imports_says_how_to_begin()
    {
        await using var database = await TestDatabase.MigratedAsync();
        await using var app = await PimmApp.StartAsync(database);
        using var host = new SeededCampaign(database, "").CreateHost();
        await using var page = await web.OpenElsewhereAsync(app, host, "mara", Roles.Marketer);
        await page.GoAsync("/imports");

        await Expect(page.Page.Locator(".empty h2")).ToHaveTextAsync("No file was imported yet");
        await Expect(page.Page.Locator("main a.button")).ToHaveCountAsync(1);
        page.ShouldBeQuiet();
    }

    [Theory]
    [InlineData("light", 1440)]
    [InlineData("dark", 1440)]
    [InlineData("light", 360)]
    public async Task Every_page_of_an_import_is_accessible_and_fits(string theme, int width)
    {
        await using var page = await web.OpenAsync(theme: theme);
        await page.Page.SetViewportSizeAsync(width, 900);
        await page.Page.GotoAsync("/imports/new");
        await LookAsync(page, $"upload-{theme}-{width}");
        await ImportStoryTests.SendAsync(page, $"fits-{theme}-{width}.csv", CustomerFile.Of(rows: 100, bad: 12, name: $"{theme}{width}-"));
        await ImportStoryTests.MapAsync(page, $"Fits {theme} {width}");
        await LookAsync(page, $"map-{theme}-{width}");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Check all rows" }).ClickAsync();
        await page.Page.GetByLabel("Apply the other 88 rows").CheckAsync();
        await LookAsync(page, $"review-{theme}-{width}");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Apply: 88 customers" }).ClickAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Undo this import…" }).ClickAsync();
        await LookAsync(page, $"report-{theme}-{width}");
        await page.GoAsync("/imports");
        await LookAsync(page, $"imports-{theme}-{width}");
        page.ShouldBeQuiet();
    }

    private static async Task LookAsync(WatchedPage page, string name)
    {
        await page.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        if (Environment.GetEnvironmentVariable("PIMM_PICTURES") is { Length: > 0 } folder)
        {
            await page.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, $"{name}.png"), FullPage = true, Animations = ScreenshotAnimations.Disabled });
        }

        (await page.Page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical")
            .Select(violation => $"{name}: {violation.Id}: {violation.Help}: {string.Join(" | ", violation.Nodes.Take(3).Select(node => node.Html))}").ShouldBeEmpty();
        (await page.Page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth")).ShouldBeLessThanOrEqualTo(0, name);
    }
}
