using System.Globalization;
using System.Text;
using Microsoft.Playwright;
using Npgsql;
using Pimm.Core.Importing;

namespace Pimm.Web.Tests;

/// <summary>
/// Pictures of every page of the running installation, and docs/pages.md around them: PIMM_URL, PIMM_USER and PIMM_PASSWORD say which
/// installation and as whom, Database__ConnectionString what is in it.
/// </summary>
internal static class Screenshots
{
    private const int UsualWidth = 1440;
    private const string Audience = "Made-up customers";

    /// <param name="widths">of the window in pixels; none: 1,440</param>
    public static async Task<int> TakeAsync(string folder, string[] widths)
    {
        Directory.CreateDirectory(folder);
        await using var database = NpgsqlDataSource.Create(Setting("Database__ConnectionString"));
        await MakeAudienceAsync(database);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Chromium.Path, Args = Chromium.Arguments });
        var taken = new List<DocumentedPage>();
        foreach (var width in widths.DefaultIfEmpty($"{UsualWidth}").Select(int.Parse))
        {
            foreach (var theme in new[] { "light", "dark" })
            {
                var suffix = (theme == "dark" ? "-dark" : "") + (width == UsualWidth ? "" : $"-{width}");
                taken = await TakeAsync(browser, database, theme, width, name => Path.Combine(folder, $"{name}{suffix}.png"));
            }
        }
        if (widths.Length == 0)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "..", "pages.md"), Page(taken));
        }
        Console.WriteLine($"{taken.Count} pages, {Directory.GetFiles(folder, "*.png").Length} pictures in {folder}");
        return 0;
    }

    private static async Task<List<DocumentedPage>> TakeAsync(IBrowser browser, NpgsqlDataSource database, string theme, int width, Func<string, string> file)
    {
        var address = Setting("PIMM_URL");
        var context = await browser.NewContextAsync(new BrowserNewContextOptions { BaseURL = address, ViewportSize = new ViewportSize { Width = width, Height = 900 } });
        await context.AddCookiesAsync([new Cookie { Name = "pimm-theme", Value = theme, Url = address }]);
        await using var page = new WatchedPage(await context.NewPageAsync());
        var taken = new List<DocumentedPage>();
        await page.Page.GotoAsync("/sign-in");
        await ShootAsync(page, file("sign-in"));
        await page.SignInAsync(Setting("PIMM_USER"), Setting("PIMM_PASSWORD"));
        foreach (var one in DocumentedPage.All)
        {
            if (await one.AddressInAsync(database) is not { } known)
            {
                Console.Error.WriteLine($"{one.Title}: there is no row that it could show.");
                continue;
            }
            taken.Add(one);
            if (one is { Name: not "sign-in", OnTheWay: false })
            {
                // Not every page has a circuit.
                await page.Page.GotoAsync(known);
                await ShootAsync(page, file(one.Name));
            }
        }
        await TakeImportAsync(page, theme, width, file);
        foreach (var complaint in page.Complaints)
        {
            Console.Error.WriteLine($"The browser complained: {complaint}");
        }
        return taken;
    }

    /// <summary>A file's way through the pages; what it brought is undone at the end, and its names say that it is made up.</summary>
    private static async Task TakeImportAsync(WatchedPage page, string theme, int width, Func<string, string> file)
    {
        await page.Page.GotoAsync("/imports/new");
        // The pages say of a file that came before, from a run that broke off, that it did: this one never did.
        var minute = TimeProvider.System.GetUtcNow().ToString("MMddHHmm", CultureInfo.InvariantCulture);
        await ImportStoryTests.SendAsync(page, "crm-export-simulated.csv", CustomerFile.Of(rows: 400, bad: 30, name: $"{theme[0]}{width}-{minute}-"));
        await page.Page.Locator("#audience").SelectOptionAsync((await page.Page.Locator("#audience option", new() { HasText = Audience }).First.GetAttributeAsync("value"))!);
        await page.Page.GetByLabel("What Notes is").SelectOptionAsync("ignore");
        await ShootAsync(page, file("import-map"));
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Check all rows" }).ClickAsync();
        await page.Page.GetByLabel("Apply the other 370 rows").CheckAsync();
        await ShootAsync(page, file("import-check"));
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Apply: 370 customers" }).ClickAsync();
        await page.Page.GetByText("Mapping used").WaitForAsync();
        await ShootAsync(page, file("import-result"));
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Undo this import…" }).ClickAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Remove version" }).ClickAsync();
        await page.Page.GetByText("Taken away:").WaitForAsync();
    }

    // An audience cannot be taken away again. It is a simulated one: a real one would keep the demo from being reset.
    private static async Task MakeAudienceAsync(NpgsqlDataSource database)
    {
        await using var known = database.CreateCommand("select id from audience where name = $1");
        known.Parameters.AddWithValue(Audience);
        if (await known.ExecuteScalarAsync() is null)
        {
            await new AudienceStore(database, TimeProvider.System).CreateAsync(
                Audience, "customer_id", [new AudienceColumn("Age", "number"), new AudienceColumn("City", "text")], ["click", "conversion", "core_conversion"], simulated: true);
        }
    }

    private static async Task ShootAsync(WatchedPage page, string file)
    {
        await page.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        await page.Page.EvaluateAsync("document.fonts.ready.then(() => true)");
        await page.Page.ScreenshotAsync(new PageScreenshotOptions { Path = file, FullPage = true, Animations = ScreenshotAnimations.Disabled });
    }

    private static string Page(List<DocumentedPage> pages)
    {
        var text = new StringBuilder("# The pages\n\nMade by `./pimm screenshots` from a running demo. It takes every page in dark too (`NAME-dark.png`), of which the repository keeps a few.\n");
        foreach (var page in pages)
        {
            text.Append($"\n## {page.Title}\n\n`{page.Address}`. {page.Says}\n\n![{page.Title}](screenshots/{page.Name}.png)\n");
        }
        return text.ToString();
    }

    private static string Setting(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
        ? value : throw new InvalidOperationException($"{name} is not set: ./pimm screenshots sets it for the running installation.");
}
