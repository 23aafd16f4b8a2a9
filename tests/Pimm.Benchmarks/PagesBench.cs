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

/// <param name="P50">milliseconds from the request to the answer's last byte</param>
internal sealed record PageTime(string Page, int Answers, double P50, double P95, double Most, bool Held);

/// <summary>
/// Every page asked for again and again, by a client beside a browser that holds fifty pages open, each with its circuit and an
/// interaction every five seconds. The page is rendered whole on the server, by the very code that a circuit runs.
/// </summary>
internal sealed class PagesBench : IAsyncDisposable
{
    private const int Circuits = 50;
    private const int Rounds = 20;
    private const double MostMilliseconds = 500;
    private const int CustomersOfADemo = 10_000;
    private const string Password = "a long enough phrase";
    private static readonly TimeSpan BetweenInteractions = TimeSpan.FromSeconds(5);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly PrivateCluster cluster = PrivateCluster.Start("shared_buffers=256MB");
    private readonly CancellationTokenSource ending = new();
    private PimmInstance pimm = null!;
    private PimmApp app = null!;
    private IPlaywright playwright = null!;
    private IBrowser browser = null!;
    private int interactions, complaints;

    public static int Start(string[] arguments)
    {
        var json = arguments.Contains("--json");
        var rest = arguments.Where(argument => argument != "--json").ToArray();
        if (rest is not ([] or ["--demos", _]) || !int.TryParse(rest is [_, var given] ? given : "20", NumberStyles.None, CultureInfo.InvariantCulture, out var demos) || demos is < 1 or > 100)
        {
            Console.Error.WriteLine("pages takes --json and --demos with 1 to 100.");
            return 2;
        }
        var (times, summary) = MeasureAsync(demos).GetAwaiter().GetResult();
        Console.WriteLine(json ? JsonSerializer.Serialize(new { bench = "pages", summary, times }, Json)
            : string.Join('\n', times.Select(time => string.Create(CultureInfo.InvariantCulture,
                $"{(time.Held ? "ok  " : "SLOW")} {time.Page,-22} {time.Answers} answers: p50 {time.P50:0} ms, p95 {time.P95:0} ms, most {time.Most:0} ms"))) + $"\n{summary}");
        return times.All(time => time.Held) ? 0 : 1;
    }

    private static async Task<(IReadOnlyList<PageTime> Times, string Summary)> MeasureAsync(int demos)
    {
        await using var bench = new PagesBench();
        await bench.PrepareAsync(demos);
        var addresses = new List<(string Name, string Address)>();
        foreach (var page in DocumentedPage.All.Where(page => page is { Name: not "sign-in", OnTheWay: false }))
        {
            if (await page.AddressInAsync(bench.pimm.Database.DataSource) is { } address)
            {
                addresses.Add((page.Name, address));
            }
        }
        var cookies = await bench.OpenAsync(addresses);
        var times = await bench.AskAsync(addresses, cookies);
        var resident = bench.app.ResidentBytes();
        return (times, string.Create(CultureInfo.InvariantCulture,
            $"{demos} demos of {CustomersOfADemo:N0} customers, {Circuits} circuits, {bench.interactions} interactions, {bench.complaints} complaints of the browser, web process {resident / 1e6:N0} MB, bound {MostMilliseconds:0} ms at p95"));
    }

    private async Task PrepareAsync(int demos)
    {
        pimm = await PimmInstance.StartAsync(cluster: cluster);
        for (var seed = 1; seed <= demos; seed++)
        {
            await pimm.Service<JobQueue>().EnqueueAsync(LoadDemo.First(new LoadDemoRequest(pimm.Folder, Customers: CustomersOfADemo, Seed: seed)));
        }
        await WorkedOffAsync();
        await using (var scope = pimm.Service<IServiceScopeFactory>().CreateAsyncScope())
        {
            await scope.ServiceProvider.GetRequiredService<UserAdministration>().AddAsync("bench", Roles.Administrator, Password);
        }
        app = await PimmApp.StartAsync(pimm.Database);
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Chromium.Path, Args = Chromium.Arguments });
    }

    private async Task WorkedOffAsync()
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var open = await pimm.Service<JobQueue>().ListAsync(state: JobStates.Queued, limit: 1);
            var running = await pimm.Service<JobQueue>().ListAsync(state: JobStates.Running, limit: 1);
            if (open.Count + running.Count == 0)
            {
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"demos loaded in {clock.Elapsed.TotalSeconds:0} s"));
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
        for (var i = 0; i < Circuits; i++)
        {
            var (page, number) = (i == 0 ? first : new WatchedPage(await context.NewPageAsync()), i);
            await page.GoAsync(live[i % live.Count].Address);
            _ = Task.Run(() => InteractAsync(page, number));
        }
        Console.Error.WriteLine($"{Circuits} circuits are open");
        return string.Join("; ", (await context.CookiesAsync()).Select(cookie => $"{cookie.Name}={cookie.Value}"));
    }

    /// <summary>A click on the next room: the circuit renders it.</summary>
    private async Task InteractAsync(WatchedPage page, int number)
    {
        await Task.Delay(BetweenInteractions * (number / (double)Circuits), ending.Token);
        for (var i = number; !ending.IsCancellationRequested; i++)
        {
            var rooms = page.Page.Locator("nav.sidebar a.nav-item");
            await rooms.Nth(i % await rooms.CountAsync()).ClickAsync();
            Interlocked.Increment(ref interactions);
            Interlocked.Add(ref complaints, page.Complaints.Count);
            await Task.Delay(BetweenInteractions, ending.Token);
        }
    }

    private async Task<IReadOnlyList<PageTime>> AskAsync(IReadOnlyList<(string Name, string Address)> addresses, string cookies)
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
        return [.. took.Select(page => TimeOf(page.Key, [.. page.Value.Order()]))];
    }

    private static PageTime TimeOf(string name, List<double> sorted)
    {
        double At(double share) => sorted[(int)Math.Ceiling(share * sorted.Count) - 1];
        return new PageTime(name, sorted.Count, At(0.5), At(0.95), sorted[^1], At(0.95) <= MostMilliseconds);
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
