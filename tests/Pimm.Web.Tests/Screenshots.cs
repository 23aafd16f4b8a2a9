using Microsoft.Playwright;

namespace Pimm.Web.Tests;

/// <summary>Pictures of the running installation for the documentation: PIMM_URL, PIMM_USER and PIMM_PASSWORD say which and as whom.</summary>
internal static class Screenshots
{
    private const int UsualWidth = 1440;

    /// <param name="widths">of the window in pixels; none: 1,440</param>
    public static async Task<int> TakeAsync(string folder, string[] widths)
    {
        Directory.CreateDirectory(folder);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Chromium.Path, Args = Chromium.Arguments });
        foreach (var width in widths.DefaultIfEmpty($"{UsualWidth}").Select(int.Parse))
        {
            foreach (var theme in new[] { "light", "dark" })
            {
                var suffix = (theme == "dark" ? "-dark" : "") + (width == UsualWidth ? "" : $"-{width}");
                await TakeAsync(browser, theme, width, name => Path.Combine(folder, $"{name}{suffix}.png"));
            }
        }

        Console.WriteLine($"{Directory.GetFiles(folder, "*.png").Length} pictures in {folder}");
        return 0;
    }

    private static async Task TakeAsync(IBrowser browser, string theme, int width, Func<string, string> file)
    {
        var address = Setting("PIMM_URL");
        var context = await browser.NewContextAsync(new BrowserNewContextOptions { BaseURL = address, ViewportSize = new ViewportSize { Width = width, Height = 900 } });
        await context.AddCookiesAsync([new Cookie { Name = "pimm-theme", Value = theme, Url = address }]);
        await using var page = new WatchedPage(await context.NewPageAsync());
        await page.Page.GotoAsync("/sign-in");
        await ShootAsync(page, file("sign-in"));
        await page.SignInAsync(Setting("PIMM_USER"), Setting("PIMM_PASSWORD"));
        await ShootAsync(page, file("campaigns"));
        if (await page.Page.Locator("a.lift-cell").CountAsync() > 0)
        {
            var report = (await page.Page.Locator("a.lift-cell").First.GetAttributeAsync("href"))!;
            await page.GoAsync(report[..^"/lift".Length]);
            await ShootAsync(page, file("campaign"));
            await page.GoAsync(report);
            await page.Page.SetViewportSizeAsync(width, 1250);
            await ShootAsync(page, file("lift-report"), whole: false);
            await page.Page.SetViewportSizeAsync(width, 900);
        }

        await TakeImportAsync(page, theme, width, file);
    }

    /// <summary>A file's way through the pages; what it brought is undone at the end, and its names say that it is made up.</summary>
    private static async Task TakeImportAsync(WatchedPage page, string theme, int width, Func<string, string> file)
    {
        await page.Page.GotoAsync("/imports/new");
        await ShootAsync(page, file("import-upload"));
        await ImportStoryTests.SendAsync(page, "crm-export-simulated.csv", CustomerFile.Of(rows: 400, bad: 30, name: $"{theme[0]}{width}-"));
        await MapAsync(page);
        await ShootAsync(page, file("import-map"));
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Check all rows" }).ClickAsync();
        await page.Page.GetByLabel("Apply the other 370 rows").CheckAsync();
        await ShootAsync(page, file("import-check"));
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Apply: 370 customers" }).ClickAsync();
        await page.Page.GetByText("Mapping used").WaitForAsync();
        await ShootAsync(page, file("import-result"), whole: false);
        var import = page.Page.Url;
        await page.GoAsync("/imports");
        await ShootAsync(page, file("imports"));
        await page.GoAsync(new Uri(import).AbsolutePath);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Undo this import…" }).ClickAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Remove version" }).ClickAsync();
        await page.Page.GetByText("Taken away:").WaitForAsync();
    }

    // An audience cannot be taken away again: the first picture's serves the others.
    private static async Task MapAsync(WatchedPage page)
    {
        const string audience = "Made-up customers";
        var known = page.Page.Locator("#audience option", new() { HasText = audience });
        if (await known.CountAsync() == 0)
        {
            await ImportStoryTests.MapAsync(page, audience);
            return;
        }
        await page.Page.Locator("#audience").SelectOptionAsync((await known.First.GetAttributeAsync("value"))!);
        await page.Page.GetByLabel("What Notes is").SelectOptionAsync("ignore");
    }

    private static async Task ShootAsync(WatchedPage page, string file, bool whole = true)
    {
        await page.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        await page.Page.EvaluateAsync("document.fonts.ready.then(() => true)");
        await page.Page.ScreenshotAsync(new PageScreenshotOptions { Path = file, FullPage = whole, Animations = ScreenshotAnimations.Disabled });
    }

    private static string Setting(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
        ? value : throw new InvalidOperationException($"{name} is not set: ./pimm screenshots sets it for the running installation.");
}
