using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Core.Queueing;
using Pimm.Core.Simulating;
using Pimm.Testing;
using Pimm.Web.Tests;

namespace Pimm.Benchmarks;

/// <param name="Demos">how many times the rows of one demo</param>
/// <param name="Customers">of one demo's base world</param>
/// <param name="Circuits">pages that one browser holds open</param>
/// <param name="Seconds">of interactions alone, before pages are asked for beside them</param>
internal sealed record PagesOptions(int Demos = 20, int Customers = 10_000, int Circuits = 50, int Seconds = 120);

/// <summary>
/// A browser holds fifty pages open, each with its circuit, and goes to another page in each every five seconds: how long the server
/// handled it is what ASP.NET Core's meters say inside the web process. Then every page is asked for again and again beside that, by a
/// client that waits for the last byte.
/// </summary>
internal sealed class PagesBench(PagesOptions options) : IAsyncDisposable
{
    private const int Rounds = 20;
    private const string Password = "a long enough phrase";

    // As a link does it. The answer is there when something of the page has changed and nothing in it waits any more.
    private const string Follow =
        """
        address => new Promise(done => {
          const main = document.querySelector('main'), began = performance.now();
          const end = value => { watch.disconnect(); clearTimeout(late); done(value); };
          const watch = new MutationObserver(() => { if (!main.querySelector('.loading')) end(performance.now() - began); });
          const late = setTimeout(() => end(-1), 30000);
          watch.observe(main, { childList: true, subtree: true, characterData: true });
          Blazor.navigateTo(address);
        })
        """;

    private static readonly TimeSpan BetweenInteractions = TimeSpan.FromSeconds(5);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly PrivateCluster cluster = PrivateCluster.Start("shared_buffers=256MB");
    private readonly CancellationTokenSource ending = new();
    private readonly ConcurrentBag<double> followed = [];
    private readonly List<WatchedPage> watched = [];
    private PimmInstance pimm = null!;
    private PimmApp app = null!;
    private IPlaywright playwright = null!;
    private IBrowser browser = null!;
    private IReadOnlyList<CopiedTable> tables = [];
    private int complaints;

    private string Measures => Path.Combine(pimm.Folder, "measures");

    public static int Start(string[] arguments)
    {
        if (Parse(arguments) is not { } options)
        {
            Console.Error.WriteLine("pages takes --json, --demos with 1 to 100, --customers with 8000 to 1000000, --circuits with 1 to 200 and --seconds with 5 to 3600.");
            return 2;
        }
        return new PagesBench(options).RunAsync(arguments.Contains("--json")).GetAwaiter().GetResult();
    }

    private static PagesOptions? Parse(string[] arguments)
    {
        var options = new PagesOptions();
        var rest = arguments.Where(argument => argument != "--json").ToArray();
        foreach (var pair in rest.Chunk(2))
        {
            if (pair is not [var name, var text] || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value))
            {
                return null;
            }
            switch (name, value)
            {
                case ("--demos", >= 1 and <= 100): options = options with { Demos = value }; break;
                case ("--customers", >= 8_000 and <= 1_000_000): options = options with { Customers = value }; break;
                case ("--circuits", >= 1 and <= 200): options = options with { Circuits = value }; break;
                case ("--seconds", >= 5 and <= 3_600): options = options with { Seconds = value }; break;
                default: return null;
            }
        }
        return options;
    }

    private async Task<int> RunAsync(bool json)
    {
        await using var _ = this;
        await PrepareAsync();
        var addresses = new List<(string Name, string Address)>();
        foreach (var page in DocumentedPage.All.Where(page => page is { Name: not "sign-in", OnTheWay: false }))
        {
            if (await page.AddressInAsync(pimm.Database.DataSource) is { } address)
            {
                addresses.Add((page.Name, address));
            }
        }
        var cookies = await OpenAsync(addresses);
        var began = TimeProvider.System.GetUtcNow();
        await Task.Delay(TimeSpan.FromSeconds(options.Seconds));
        var interactions = ServerMeasures.Read(Measures, began, TimeProvider.System.GetUtcNow());
        var browserTook = HandlingTime.From("in the browser, from click to change", followed.DefaultIfEmpty());
        var pages = await AskAsync(addresses, cookies);
        var summary = string.Create(CultureInfo.InvariantCulture,
            $"{options.Demos} times a demo of {options.Customers:N0} customers, {options.Circuits} circuits, {followed.Count} interactions, {complaints} complaints of the browser, web process {app.ResidentBytes() / 1e6:N0} MB, {HandlingTime.Bound}");
        Console.WriteLine(json ? JsonSerializer.Serialize(new { bench = "pages", summary, tables, interactions, browserTook, pages }, Json)
            : string.Join('\n', [
                .. tables.Select(table => string.Create(CultureInfo.InvariantCulture, $"{table.Table,-34} {table.Demo,10:N0} rows of one demo, {table.Now,12:N0} now")),
                "Interactions, handled by the server:", .. interactions.Select(time => time.ToString()), $"     {browserTook}".Replace("SLOW", "    ", StringComparison.Ordinal).Replace("ok  ", "    ", StringComparison.Ordinal),
                "Whole pages, from the request to the last byte:", .. pages.Select(time => time.ToString()), summary]));
        return interactions.Concat(pages).All(time => time.Held) && complaints == 0 ? 0 : 1;
    }

    private async Task PrepareAsync()
    {
        pimm = await PimmInstance.StartAsync(cluster: cluster);
        await pimm.Service<JobQueue>().EnqueueAsync(LoadDemo.First(new LoadDemoRequest(pimm.Folder, Customers: options.Customers)));
        await WorkedOffAsync();
        await pimm.StopWorkerAsync();
        var clock = Stopwatch.StartNew();
        tables = await new DemoCopies(pimm.Database.Owner, "pimm_test_app", options.Demos).MakeAsync();
        Say($"multiplied by {options.Demos} in {clock.Elapsed.TotalSeconds:0} s");
        await using (var scope = pimm.Service<IServiceScopeFactory>().CreateAsyncScope())
        {
            await scope.ServiceProvider.GetRequiredService<UserAdministration>().AddAsync("bench", Roles.Administrator, Password);
        }
        app = await PimmApp.StartAsync(pimm.Database, new Dictionary<string, string> { ["DOTNET_STARTUP_HOOKS"] = typeof(StartupHook).Assembly.Location, [StartupHook.Variable] = Measures });
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Chromium.Path, Args = Chromium.Arguments });
    }

    private static void Say(FormattableString what) => Console.Error.WriteLine(what.ToString(CultureInfo.InvariantCulture));

    private async Task WorkedOffAsync()
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var open = await pimm.Service<JobQueue>().ListAsync(state: JobStates.Queued, limit: 1);
            var running = await pimm.Service<JobQueue>().ListAsync(state: JobStates.Running, limit: 1);
            if (open.Count + running.Count == 0)
            {
                Say($"one demo is loaded in {clock.Elapsed.TotalSeconds:0} s");
                return;
            }
            await Task.Delay(500);
        }
    }

    /// <returns>the session's cookies</returns>
    private async Task<string> OpenAsync(IReadOnlyList<(string Name, string Address)> addresses)
    {
        var context = await browser.NewContextAsync(new BrowserNewContextOptions { BaseURL = app.Address.ToString() });
        var first = new WatchedPage(await context.NewPageAsync());
        await first.SignInAsync("bench", Password);
        // The upload and the account are plain forms and have no circuit.
        var live = addresses.Where(address => address.Name is not ("import-new" or "account")).ToList();
        for (var i = 0; i < options.Circuits; i++)
        {
            var (page, number) = (i == 0 ? first : new WatchedPage(await context.NewPageAsync()), i);
            await page.GoAsync(live[i % live.Count].Address);
            watched.Add(page);
            _ = Task.Run(() => InteractAsync(page, live, number));
        }
        Say($"{options.Circuits} circuits are open");
        return string.Join("; ", (await context.CookiesAsync()).Select(cookie => $"{cookie.Name}={cookie.Value}"));
    }

    /// <summary>The next page: the circuit reads and renders it.</summary>
    private async Task InteractAsync(WatchedPage page, IReadOnlyList<(string Name, string Address)> live, int number)
    {
        await Task.Delay(BetweenInteractions * (number / (double)options.Circuits), ending.Token);
        using var timer = new PeriodicTimer(BetweenInteractions);
        // A step of its own for each, so that no two go the same way together.
        for (var i = number + 1; await timer.WaitForNextTickAsync(ending.Token); i += 1 + (number / live.Count))
        {
            var took = await page.Page.EvaluateAsync<double>(Follow, live[i % live.Count].Address);
            followed.Add(took < 0 ? 30_000 : took);
        }
    }

    private async Task<IReadOnlyList<HandlingTime>> AskAsync(IReadOnlyList<(string Name, string Address)> addresses, string cookies)
    {
        using var client = new HttpClient(new HttpClientHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = app.Address };
        client.DefaultRequestHeaders.Add("Cookie", cookies);
        var took = addresses.ToDictionary(address => address.Name, _ => new List<double>());
        // The first round compiles what the later ones measure.
        for (var round = 0; round <= Rounds; round++)
        {
            foreach (var (name, address) in addresses)
            {
                var clock = Stopwatch.StartNew();
                using var answer = await client.GetAsync(address);
                await answer.Content.ReadAsByteArrayAsync();
                if (!answer.IsSuccessStatusCode)
                {
                    throw new InvalidOperationException($"{address} was answered with {(int)answer.StatusCode}.");
                }
                if (round > 0)
                {
                    took[name].Add(clock.Elapsed.TotalMilliseconds);
                }
            }
        }
        await ending.CancelAsync();
        complaints = watched.Sum(page => page.Complaints.Count);
        return [.. took.Select(page => HandlingTime.From(page.Key, page.Value))];
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        if (browser is not null)
        {
            await browser.DisposeAsync();
            playwright.Dispose();
        }
        if (app is not null)
        {
            await app.DisposeAsync();
        }
        if (pimm is not null)
        {
            await pimm.DisposeAsync();
        }
        await cluster.DisposeAsync();
        ending.Dispose();
    }
}
