using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Playwright;
using Npgsql;
using Pimm.Core.Access;
using Pimm.Testing;
using Pimm.Web.Tests;
using Xunit;

[assembly: AssemblyFixture(typeof(WebFixture))]

namespace Pimm.Web.Tests;

/// <summary>One database, one app and one browser for all tests; each test opens a browser profile of its own.</summary>
public sealed class WebFixture : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("pimm-web-tests-").FullName;
    private PimmApp app = null!;
    private IPlaywright playwright = null!;
    private IHost host = null!;
    private IHost worker = null!;

    public const string Password = "a long enough phrase";

    public TestDatabase Database { get; private set; } = null!;

    /// <summary>The same rows, for the one test that takes tables away.</summary>
    public TestDatabase Untouched { get; private set; } = null!;

    public IBrowser Browser { get; private set; } = null!;

    public Uri Address => app.Address;

    /// <summary>Folder of the lists that were exported.</summary>
    public string Exports => folder;

    public string Uploads => Path.Combine(folder, "uploads");

    /// <summary>Id of the campaign that went through all stages.</summary>
    public long Campaign { get; private set; }

    /// <summary>The product's services on the same database, as the worker has them.</summary>
    public IServiceProvider Services => host.Services;

    public async ValueTask InitializeAsync()
    {
        Database = await TestDatabase.MigratedAsync();
        var seeded = new SeededCampaign(Database, folder);
        host = seeded.CreateHost();
        await AddUserAsync("ada", Roles.DataScientist);
        await AddUserAsync("vera", Roles.Viewer);
        await AddUserAsync("root", Roles.Administrator);
        Campaign = await seeded.CreateAsync();
        Untouched = await Database.CopyAsync();
        // The copy has cut what the users were added by.
        Services.GetRequiredService<NpgsqlDataSource>().Clear();
        app = await PimmApp.StartAsync(Database, new Dictionary<string, string> { ["Exporting__Folder"] = folder, ["Importing__Uploads"] = Uploads, ["Importing__MaximumUploadBytes"] = "2000000", ["Api__RequestsPerSecond"] = "10000", ["Api__Burst"] = "10000" });
        // One for all tests, as long as they last: a test's own would take the runs of others to its end. It leaves the kinds alone that tests look at in the queue.
        worker = await StartWorkerAsync("import", "outcomes", "collect");
        // Shown of failed tests only.
        WatchedPage.Tell = shown => TestContext.Current.TestOutputHelper?.WriteLine(shown);
        // Two busy cores may be slow; a right page passes at once.
        Assertions.SetDefaultExpectTimeout(20_000);
        playwright = await Playwright.CreateAsync();
        Browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Chromium.Path, Args = Chromium.Arguments });
    }

    public async Task<IHost> StartWorkerAsync(params string[] kinds)
    {
        var worker = new SeededCampaign(Database, folder).CreateHost(kinds);
        await worker.StartAsync();
        return worker;
    }

    public async Task AddUserAsync(string name, string role)
    {
        await using var scope = Services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<UserAdministration>().AddAsync(name, role, Password);
    }

    /// <summary>A page of another app, signed in as a user made for it.</summary>
    internal async Task<WatchedPage> OpenElsewhereAsync(PimmApp elsewhere, IHost host, string user, string role)
    {
        await using (var scope = host.Services.CreateAsyncScope())
        {
            await scope.ServiceProvider.GetRequiredService<UserAdministration>().AddAsync(user, role, Password);
        }

        var page = new WatchedPage(await (await Browser.NewContextAsync(new BrowserNewContextOptions { BaseURL = elsewhere.Address.ToString() })).NewPageAsync());
        await page.SignInAsync(user, Password);
        return page;
    }

    /// <summary>A page of a fresh profile, signed in unless <paramref name="user"/> is null.</summary>
    public async Task<WatchedPage> OpenAsync(string? user = "ada", string? theme = null)
    {
        var context = await Browser.NewContextAsync(new BrowserNewContextOptions { BaseURL = Address.ToString(), ViewportSize = new ViewportSize { Width = 1440, Height = 900 } });
        if (theme is not null)
        {
            await context.AddCookiesAsync([new Cookie { Name = "pimm-theme", Value = theme, Url = Address.ToString() }]);
        }

        var page = new WatchedPage(await context.NewPageAsync());
        if (user is not null)
        {
            await page.SignInAsync(user, Password);
        }

        return page;
    }

    public async ValueTask DisposeAsync()
    {
        await Browser.DisposeAsync();
        playwright.Dispose();
        await app.DisposeAsync();
        await worker.StopAsync();
        worker.Dispose();
        host.Dispose();
        await Database.DisposeAsync();
        await Untouched.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}
