using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Pimm.Benchmarks;

/// <summary>
/// Every page and every step in it while fifty circuits are open (<see cref="PagesWorld"/>). Then every page is asked for again and again
/// beside that, by a client that waits for the last byte.
/// </summary>
internal sealed class PagesBench(PagesOptions options) : IAsyncDisposable
{
    private const int Rounds = 20;
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly PagesWorld world = new(options);

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
        await world.PrepareAsync();
        var cookies = await world.OpenAsync();
        var began = TimeProvider.System.GetUtcNow();
        await Task.Delay(TimeSpan.FromSeconds(options.Seconds));
        world.ThrowIfBroken();
        var interactions = ServerMeasures.Read(world.Measures, began, TimeProvider.System.GetUtcNow());
        var browserTook = HandlingTime.From("in the browser, from click to change", world.Followed.DefaultIfEmpty());
        var pages = await AskAsync(cookies);
        var complaints = world.Complaints;
        var summary = string.Create(CultureInfo.InvariantCulture,
            $"{options.Demos} times a demo of {options.Customers:N0} customers, {options.Circuits} circuits, {world.Followed.Count} interactions, {complaints} complaints of the browser, web process {world.App.ResidentBytes() / 1e6:N0} MB, {HandlingTime.Bound}");
        Console.WriteLine(json ? JsonSerializer.Serialize(new { bench = "pages", summary, tables = world.Tables, interactions, browserTook, pages }, Json)
            : string.Join('\n', [
                .. world.Tables.Select(table => string.Create(CultureInfo.InvariantCulture, $"{table.Table,-34} {table.Demo,10:N0} rows of one demo, {table.Now,12:N0} now")),
                "Interactions, handled by the server:", .. interactions.Select(time => time.ToString()), $"     {browserTook}".Replace("SLOW", "    ", StringComparison.Ordinal).Replace("ok  ", "    ", StringComparison.Ordinal),
                "Whole pages, from the request to the last byte:", .. pages.Select(time => time.ToString()), summary]));
        return interactions.Concat(pages).All(time => time.Held) && complaints == 0 ? 0 : 1;
    }

    private async Task<IReadOnlyList<HandlingTime>> AskAsync(string cookies)
    {
        using var client = new HttpClient(new HttpClientHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = world.App.Address };
        client.DefaultRequestHeaders.Add("Cookie", cookies);
        var took = world.Addresses.ToDictionary(address => address.Name, _ => new List<double>());
        // The first round compiles what the later ones measure.
        for (var round = 0; round <= Rounds; round++)
        {
            foreach (var (name, address) in world.Addresses)
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
        await world.EndAsync();
        return [.. took.Select(page => HandlingTime.From(page.Key, page.Value))];
    }

    public ValueTask DisposeAsync() => world.DisposeAsync();
}
