using Microsoft.Playwright;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests;

/// <summary>
/// Pictures of the running installation for the documentation: run explicitly, with PIMM_URL, PIMM_USER and PIMM_PASSWORD.
/// They go to docs/screenshots, or to the folder that PIMM_SCREENSHOTS names.
/// </summary>
public sealed class Screenshots
{
    [Fact(Explicit = true)]
    public async Task Pictures_of_the_running_installation()
    {
        var folder = Directory.CreateDirectory(Environment.GetEnvironmentVariable("PIMM_SCREENSHOTS") is { Length: > 0 } named ? named : "docs/screenshots").FullName;
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Chromium.Path, Args = Chromium.Arguments });
        foreach (var theme in new[] { "light", "dark" })
        {
            foreach (var width in new[] { 1440, 1024 })
            {
                await TakeAsync(browser, theme, width, Path.Combine(folder, width == 1440 ? $"{{0}}-{theme}.png" : $"{{0}}-{theme}-{width}.png"));
            }
        }

        Directory.GetFiles(folder, "*.png").Length.ShouldBeGreaterThanOrEqualTo(8);
    }

    private static async Task TakeAsync(IBrowser browser, string theme, int width, string file)
    {
        var address = Setting("PIMM_URL");
        var context = await browser.NewContextAsync(new BrowserNewContextOptions { BaseURL = address, ViewportSize = new ViewportSize { Width = width, Height = 900 } });
        await context.AddCookiesAsync([new Cookie { Name = "pimm-theme", Value = theme, Url = address }]);
        var page = new WatchedPage(await context.NewPageAsync());
        await page.Page.GotoAsync("/sign-in");
        await ShootAsync(page, string.Format(file, "sign-in"));
        await page.SignInAsync(Setting("PIMM_USER"), Setting("PIMM_PASSWORD"));
        await ShootAsync(page, string.Format(file, "campaigns"));
        if (await page.Page.Locator("a.row-link").CountAsync() > 0)
        {
            var campaign = await page.Page.Locator("a.row-link").First.GetAttributeAsync("href");
            await page.GoAsync(campaign!);
            await ShootAsync(page, string.Format(file, "campaign"));
            await page.GoAsync($"{campaign}/lift");
            await ShootAsync(page, string.Format(file, "lift"));
        }

        await context.DisposeAsync();
    }

    private static async Task ShootAsync(WatchedPage page, string file)
    {
        await page.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        await page.Page.EvaluateAsync("document.fonts.ready");
        await page.Page.ScreenshotAsync(new PageScreenshotOptions { Path = file, FullPage = true, Animations = ScreenshotAnimations.Disabled });
    }

    private static string Setting(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
        ? value : throw new InvalidOperationException($"{name} is not set: ./pimm screenshots sets it for the running installation.");
}
