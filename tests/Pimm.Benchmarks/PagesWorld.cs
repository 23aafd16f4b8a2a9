using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
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
/// An installation with many times a demo's rows, and a browser that holds pages open, each with its circuit, and goes to another page in
/// each every five seconds: how long the server handled it is what ASP.NET Core's meters say inside the web process.
/// </summary>
internal sealed class PagesWorld(PagesOptions options) : IAsyncDisposable
{
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

    private readonly PrivateCluster cluster = PrivateCluster.Start("shared_buffers=256MB");
    private readonly CancellationTokenSource ending = new();
    private readonly List<WatchedPage> watched = [];
    private readonly List<Task> interacting = [];
    private IPlaywright playwright = null!;
    private IBrowser browser = null!;
    private volatile bool resting;

    public PimmInstance Pimm { get; private set; } = null!;

    public PimmApp App { get; private set; } = null!;

    public IReadOnlyList<CopiedTable> Tables { get; private set; } = [];

    /// <summary>Every page there is something to show on.</summary>
    public IReadOnlyList<(string Name, string Address)> Addresses { get; private set; } = [];

    /// <summary>Milliseconds from a click to the change in the browser.</summary>
    public ConcurrentBag<double> Followed { get; } = [];

    public int Complaints => watched.Sum(page => page.Complaints.Count);

    /// <summary>Written by <see cref="StartupHook"/>.</summary>
    public string Measures => Path.Combine(Pimm.Folder, "measures");

    /// <summary>Nobody clicks while it is set; the pages stay open.</summary>
    public bool Resting { get => resting; set => resting = value; }

    public async Task PrepareAsync()
    {
        Pimm = await PimmInstance.StartAsync(cluster: cluster);
        await Pimm.Service<JobQueue>().EnqueueAsync(LoadDemo.First(new LoadDemoRequest(Pimm.Folder, Customers: options.Customers)));
        await WorkedOffAsync();
        await Pimm.StopWorkerAsync();
        var clock = Stopwatch.StartNew();
        Tables = await new DemoCopies(Pimm.Database.Owner, "pimm_test_app", options.Demos).MakeAsync();
        Say($"multiplied by {options.Demos} in {clock.Elapsed.TotalSeconds:0} s");
        await using (var scope = Pimm.Service<IServiceScopeFactory>().CreateAsyncScope())
        {
            await scope.ServiceProvider.GetRequiredService<UserAdministration>().AddAsync("bench", Roles.Administrator, Password);
        }
        App = await PimmApp.StartAsync(Pimm.Database, new Dictionary<string, string> { ["DOTNET_STARTUP_HOOKS"] = typeof(StartupHook).Assembly.Location, [StartupHook.Variable] = Measures });
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Chromium.Path, Args = Chromium.Arguments });
        var addresses = new List<(string Name, string Address)>();
        foreach (var page in DocumentedPage.All.Where(page => page is { Name: not "sign-in", OnTheWay: false }))
        {
            if (await page.AddressInAsync(Pimm.Database.DataSource) is { } address)
            {
                addresses.Add((page.Name, address));
            }
        }
        Addresses = addresses;
    }

    /// <returns>the session's cookies</returns>
    public async Task<string> OpenAsync()
    {
        var context = await browser.NewContextAsync(new BrowserNewContextOptions { BaseURL = App.Address.ToString() });
        var first = new WatchedPage(await context.NewPageAsync());
        await first.SignInAsync("bench", Password);
        // The upload and the account are plain forms and have no circuit.
        var live = Addresses.Where(address => address.Name is not ("import-new" or "account")).ToList();
        for (var i = 0; i < options.Circuits; i++)
        {
            var (page, number) = (i == 0 ? first : new WatchedPage(await context.NewPageAsync()), i);
            await page.GoAsync(live[i % live.Count].Address);
            watched.Add(page);
            interacting.Add(Task.Run(() => InteractAsync(page, live, number)));
        }
        Say($"{options.Circuits} circuits are open");
        return string.Join("; ", (await context.CookiesAsync()).Select(cookie => $"{cookie.Name}={cookie.Value}"));
    }

    /// <exception cref="InvalidOperationException">a page could not be gone on with</exception>
    public void ThrowIfBroken()
    {
        if (interacting.FirstOrDefault(task => task.IsFaulted) is { Exception: { } fault })
        {
            throw new InvalidOperationException("A page could not be gone on with.", fault);
        }
    }

    public Task EndAsync() => ending.CancelAsync();

    public static void Say(FormattableString what) => Console.Error.WriteLine(what.ToString(CultureInfo.InvariantCulture));

    private async Task WorkedOffAsync()
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var open = await Pimm.Service<JobQueue>().ListAsync(state: JobStates.Queued, limit: 1);
            var running = await Pimm.Service<JobQueue>().ListAsync(state: JobStates.Running, limit: 1);
            if (open.Count + running.Count == 0)
            {
                Say($"one demo is loaded in {clock.Elapsed.TotalSeconds:0} s");
                return;
            }
            await Task.Delay(500);
        }
    }

    /// <summary>The next page: the circuit reads and renders it.</summary>
    private async Task InteractAsync(WatchedPage page, IReadOnlyList<(string Name, string Address)> live, int number)
    {
        await Task.Delay(BetweenInteractions * (number / (double)options.Circuits), ending.Token);
        using var timer = new PeriodicTimer(BetweenInteractions);
        // A step of its own for each, so that no two go the same way together.
        for (var i = number + 1; await timer.WaitForNextTickAsync(ending.Token); i += 1 + (number / live.Count))
        {
            if (resting)
            {
                continue;
            }
            var took = await page.Page.EvaluateAsync<double>(Follow, live[i % live.Count].Address);
            Followed.Add(took < 0 ? 30_000 : took);
            if (live[i % live.Count].Name == "health")
            {
                await page.Page.GetByRole(AriaRole.Button, new() { Name = "Look again now" }).ClickAsync();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        if (browser is not null)
        {
            await browser.DisposeAsync();
            playwright.Dispose();
        }
        if (App is not null)
        {
            await App.DisposeAsync();
        }
        if (Pimm is not null)
        {
            await Pimm.DisposeAsync();
        }
        await cluster.DisposeAsync();
        ending.Dispose();
    }
}
