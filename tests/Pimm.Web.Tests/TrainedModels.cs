using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Core.Importing;
using Pimm.Core.Promoting;
using Pimm.Core.Queueing;
using Pimm.Core.Simulating;
using Pimm.Core.Training;
using Pimm.Testing;
using Xunit;

namespace Pimm.Web.Tests;

/// <summary>Classes that look at one installation with models, one after the other.</summary>
[CollectionDefinition(nameof(TrainedModels))]
public sealed class TrainedModelsCollection : ICollectionFixture<TrainedModels>;

/// <summary>An installation of its own with three real versions of a line, judged by night, and a worker beside the app.</summary>
public sealed class TrainedModels(WebFixture web) : IAsyncLifetime
{
    private const int HistoryRows = 12_000;

    private PimmInstance pimm = null!;
    private PimmApp app = null!;

    public long Line { get; private set; }

    public long Audience { get; private set; }

    /// <summary>Oldest first; the first was promoted by its training.</summary>
    public List<long> Versions { get; } = [];

    /// <summary>Of another audience, that learns nothing.</summary>
    public long Yardstick { get; private set; }

    public T Service<T>() where T : notnull => pimm.Service<T>();

    public TestDatabase Database => pimm.Database;

    public async ValueTask InitializeAsync()
    {
        pimm = await PimmInstance.StartAsync();
        var options = pimm.Service<IOptions<PromotingOptions>>().Value;
        (options.MinimumPositives, options.Margin, options.CalibrationLowest, options.CalibrationHighest) = (3, 0.2, 0.01, 10);
        var ends = await ImportAsync();
        var models = pimm.Service<ModelStore>();
        Line = await models.CreateLineAsync(Audience, "nightly", "shared-bottom", """{"epochs":"1"}""");
        foreach (var daysBefore in new[] { 2, 1, 0 })
        {
            await RunAsync(new JobRequest(TrainModelLine.JobKind, $"train/{daysBefore}", new TrainLineRequest(Line, 1, ends.AddDays(30 - daysBefore), 30)));
            Versions.Add((await models.VersionsAsync(Line))[0].Id);
        }

        await RunAsync(new JobRequest(PromoteVersion.JobKind, "judge", new PromoteRequest(Line, Versions[1])));
        await AddYardstickAsync(models);
        app = await PimmApp.StartAsync(pimm.Database, new Dictionary<string, string>
        {
            ["Exporting__Folder"] = Path.Combine(pimm.Folder, "exports"), ["Importing__Uploads"] = Path.Combine(pimm.Folder, "uploads"), ["PIMM_DEMO_FOLDER"] = pimm.Folder,
        });
        foreach (var (name, role) in new[] { ("scientist", Roles.DataScientist), ("viewer", Roles.Viewer), ("marketer", Roles.Marketer), ("approver", Roles.Marketer) })
        {
            await AddUserAsync(name, role);
        }
    }

    internal async Task<WatchedPage> OpenAsync(string user = "scientist", string theme = "light", int width = 1440, string? language = null)
    {
        var context = await web.Browser.NewContextAsync(new BrowserNewContextOptions { BaseURL = app.Address.ToString(), ViewportSize = new ViewportSize { Width = width, Height = 900 }, Locale = language });
        await context.AddCookiesAsync([new Cookie { Name = "pimm-theme", Value = theme, Url = app.Address.ToString() }]);
        var page = new WatchedPage(await context.NewPageAsync());
        await page.SignInAsync(user, WebFixture.Password);
        return page;
    }

    /// <returns>its id; without a version where it is not trained</returns>
    internal async Task<long> AddLineAsync(string name, string network, bool train = true)
    {
        var line = await pimm.Service<ModelStore>().CreateLineAsync(Audience, name, network, """{"epochs":"1"}""");
        if (train)
        {
            await RunAsync(new JobRequest(TrainModelLine.JobKind, $"first of {line}", new TrainLineRequest(line)));
        }
        return line;
    }

    /// <summary>The market's impressions of the two months behind those that are known, as another department would send them.</summary>
    internal async Task<byte[]> LaterHistoryAsync()
    {
        var market = (await pimm.Service<SimulatedMarketStore>().FindAsync(Audience))!;
        var path = Path.Combine(pimm.Folder, "later-history.csv");
        MarketFiles.WriteHistory(market with { StartsAt = market.StartsAt.AddDays(60) }, HistoryRows, path);
        var known = market.StartsAt.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        var lines = await File.ReadAllLinesAsync(path);
        return Encoding.UTF8.GetBytes(string.Join('\n', lines.Where((line, place) => place == 0 || string.CompareOrdinal(line.Split(',')[1], known) >= 0)));
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        await pimm.DisposeAsync();
    }

    private async Task<DateTimeOffset> ImportAsync()
    {
        var request = new DemoRequest("base", Seed: 1, HistoryRows / 2, HistoryRows, ImpressionsPerDay: 60, Days: 3, WindowDays: 30, "random", "random", "plain", new DateOnly(2026, 3, 2), pimm.Folder);
        Audience = await pimm.Service<AudienceStore>().CreateAsync("market", "customer", MarketFiles.Columns, MarketFiles.Funnel, simulated: true);
        foreach (var kind in new[] { "customers", "history" })
        {
            await RunAsync(new JobRequest(ImportFile.JobKind, kind, new ImportRequest(Audience, kind, await pimm.Service<MarketPlayer>().WriteMarketAsync(Audience, kind, request, CancellationToken.None))));
        }

        return new DateTimeOffset(2026, 3, 2, 0, 0, 0, TimeSpan.Zero).AddDays(-31);
    }

    private async Task AddYardstickAsync(ModelStore models)
    {
        var elsewhere = await pimm.Service<AudienceStore>().CreateAsync("elsewhere", "id", [new AudienceColumn("age", "number")], ["click"]);
        var line = await models.CreateLineAsync(elsewhere, "chance", "random");
        await using var connection = await pimm.Database.DataSource.OpenConnectionAsync();
        Yardstick = await models.AddVersionAsync(connection, line, 1, new StoredModel("{}", null, null), 0, null, null);
        await models.PromoteAsync(connection, Yardstick, "training", "the line's first version");
    }

    private async Task AddUserAsync(string name, string role)
    {
        await using var scope = pimm.Service<IServiceScopeFactory>().CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<UserAdministration>().AddAsync(name, role, WebFixture.Password);
    }

    private async Task RunAsync(JobRequest request)
    {
        var run = await pimm.RunAsync(request with { MaxAttempts = 1 }, CancellationToken.None);
        if (run.State != JobStates.Succeeded)
        {
            throw new InvalidOperationException($"The run {run.Kind} {run.State}: {run.Error}");
        }
    }
}
