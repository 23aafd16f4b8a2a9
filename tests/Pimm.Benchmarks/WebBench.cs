using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using Dapper;
using Pimm.Core.Access;
using Pimm.Core.Queueing;
using Pimm.Core.Training;
using Pimm.Jobs.Tests;

namespace Pimm.Benchmarks;

/// <param name="Seconds">of one phase</param>
internal sealed record WebOptions(int Circuits = 50, int Seconds = 25);

/// <summary>
/// Fifty people at their pages and a program that looks assignments up, while a worker trains as it does in the product, in its child
/// process. Three phases in turn, the training alone, the people alone, both; a phase stops the other side where it stands.
/// </summary>
internal sealed class WebBench(WebOptions options) : IAsyncDisposable
{
    private const int Rounds = 3;
    private const int LookUpsPerSecond = 20;
    private const double MostMilliseconds = 200;
    private const double MostLoss = 0.1;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);
    private static readonly Phase[] Order = [Phase.Training, Phase.People, Phase.Both];

    private readonly PagesWorld world = new(new PagesOptions(Circuits: options.Circuits));
    private readonly HttpClient client = new();
    private readonly List<Measured> measured = [];
    private PimmProcess worker = null!;
    private long run;
    private int trainer;
    private IReadOnlyList<Uri> lookUps = [];

    private enum Phase { Training, People, Both }

    /// <param name="Rate">shares of the training a second</param>
    /// <param name="Pages">milliseconds of each step to a page</param>
    /// <param name="OtherSeconds">processor seconds of everything but the training</param>
    private sealed record Measured(Phase Phase, double Rate, IReadOnlyList<double> Pages, IReadOnlyList<double> LookUps, double OtherSeconds, double Seconds);

    public static int Start(string[] arguments)
    {
        var rest = arguments.Where(argument => argument != "--json").ToArray();
        var options = new WebOptions();
        foreach (var pair in rest.Chunk(2))
        {
            options = pair is [var name, var text] && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
                ? (name, value) switch { ("--circuits", >= 1 and <= 200) => options with { Circuits = value }, ("--seconds", >= 5 and <= 600) => options with { Seconds = value }, _ => null! } : null!;
            if (options is null)
            {
                Console.Error.WriteLine("web takes --json, --circuits with 1 to 200 and --seconds of a phase with 5 to 600.");
                return 2;
            }
        }
        return new WebBench(options).RunAsync(rest.Length < arguments.Length).GetAwaiter().GetResult();
    }

    private async Task<int> RunAsync(bool json)
    {
        await using var _ = this;
        await world.PrepareAsync();
        await PrepareLookUpsAsync();
        await world.OpenAsync();
        await TrainAsync();
        for (var round = 0; round < Rounds; round++)
        {
            for (var place = 0; place < Order.Length; place++)
            {
                measured.Add(await MeasureAsync(Order[(place + round) % Order.Length]));
                world.ThrowIfBroken();
            }
        }
        return SpeedLine.Tell("web", json, [.. Lines()]);
    }

    private async Task PrepareLookUpsAsync()
    {
        await using var connection = await world.Pimm.Database.Owner.OpenConnectionAsync();
        var some = await connection.QueryAsync<(long Campaign, Guid Customer)>("select campaign_id, customer from assignment where customer > md5('look-up')::uuid order by customer limit 1000");
        lookUps = [.. some.Select(one => new Uri(world.App.Address, $"/api/v1/campaigns/{one.Campaign}/assignments/{one.Customer}"))];
        var keys = new KeyAdministration(world.Pimm.Database.DataSource, new ApiKeyStore(world.Pimm.Database.DataSource), TimeProvider.System);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await keys.CreateAsync("bench", [ApiScopes.AssignmentsRead], 1, "cli:bench")).Text);
    }

    /// <summary>A training that does not end before the bench does.</summary>
    private async Task TrainAsync()
    {
        worker = PimmProcess.Start("Pimm.Jobs", world.Pimm.Database, Intervals(), ["setsid"], "work", "--kinds", TrainModelLine.JobKind);
        long audience;
        await using (var connection = await world.Pimm.Database.Owner.OpenConnectionAsync())
        {
            audience = await connection.ExecuteScalarAsync<long>("select audience_id from import_file where kind = 'history' order by received desc, id limit 1");
        }
        var line = await world.Pimm.Service<ModelStore>().CreateLineAsync(audience, "trained while people work", "pimm", """{"epochs": "10000", "patience": "1000"}""");
        run = await world.Pimm.Service<JobQueue>().EnqueueAsync(new JobRequest(TrainModelLine.JobKind, "bench", new TrainLineRequest(line, AsOf: TimeProvider.System.GetUtcNow().AddYears(1))));
        for (var clock = Stopwatch.StartNew(); await ProgressAsync() is null or < 0.05f; await Task.Delay(200))
        {
            if (clock.Elapsed > TimeSpan.FromMinutes(2))
            {
                throw new InvalidOperationException($"The training did not begin: {worker.Output}{worker.Error}");
            }
        }
        trainer = ProcessTree.Find("train-rows") ?? throw new InvalidOperationException("The training has no process of its own.");
    }

    // Each heartbeat tells every open page how far the run is: as often as in the product. `up` starts each process in a session of its own.
    private Dictionary<string, string> Intervals()
    {
        var usual = new QueueingOptions();
        string Text(TimeSpan time) => time.ToString("c", CultureInfo.InvariantCulture);
        return new()
        {
            ["Training__Folder"] = Path.Combine(world.Pimm.Folder, "training"), ["Queueing__Lease"] = Text(usual.Lease), ["Queueing__Heartbeat"] = Text(usual.Heartbeat),
            ["Queueing__SelfFence"] = Text(usual.SelfFence), ["Queueing__RestartGrace"] = Text(usual.RestartGrace), ["Queueing__Poll"] = Text(usual.Poll), ["Queueing__Reap"] = Text(usual.Reap),
        };
    }

    private async Task<Measured> MeasureAsync(Phase phase)
    {
        world.Resting = phase == Phase.Training;
        ProcessTree.Signal(trainer, phase == Phase.People ? "STOP" : "CONT");
        await Task.Delay(Settling);
        var (began, others, clock) = (TimeProvider.System.GetUtcNow(), ProcessTree.SecondsWithout(trainer), Stopwatch.StartNew());
        var asking = phase == Phase.Training ? Task.FromResult<IReadOnlyList<double>>([]) : LookUpAsync();
        var seen = new List<(double At, double Progress)>();
        while (clock.Elapsed.TotalSeconds < options.Seconds)
        {
            var now = await ProgressAsync() ?? throw new InvalidOperationException($"The training has ended: {worker.Error}");
            if (seen.Count == 0 || now != seen[^1].Progress)
            {
                seen.Add((clock.Elapsed.TotalSeconds, now));
            }
            await Task.Delay(100);
        }
        var asked = await asking;
        var seconds = clock.Elapsed.TotalSeconds;
        var result = new Measured(phase, Slope(seen), ServerMeasures.PagesAlone(world.Measures, began, TimeProvider.System.GetUtcNow()), asked, ProcessTree.SecondsWithout(trainer) - others, seconds);
        PagesWorld.Say($"{phase}: training {1e6 * result.Rate:0.00} millionths a second, {result.Pages.Count} steps to pages with p95 {P95(result.Pages):0} ms, {asked.Count} look-ups with p95 {P95(asked):0.0} ms, others used {result.OtherSeconds:0.0} of {Environment.ProcessorCount * seconds:0.0} processor seconds");
        return result;
    }

    private async Task<float?> ProgressAsync() => (await world.Pimm.Service<JobQueue>().GetAsync(run)) is { IsFinished: false } now ? (float?)now.Progress : null;

    /// <summary>Due at fixed times, whether or not the one before is answered; one that starts late has waited.</summary>
    private async Task<IReadOnlyList<double>> LookUpAsync()
    {
        var clock = Stopwatch.StartNew();
        return await Task.WhenAll(Enumerable.Range(0, LookUpsPerSecond * options.Seconds).Select(async number =>
        {
            var due = TimeSpan.FromSeconds((double)number / LookUpsPerSecond);
            await Task.Delay(due > clock.Elapsed ? due - clock.Elapsed : TimeSpan.Zero);
            using var answer = await client.GetAsync(lookUps[number * 7 % lookUps.Count]);
            await answer.Content.ReadAsByteArrayAsync();
            return answer.IsSuccessStatusCode ? (clock.Elapsed - due).TotalMilliseconds : throw new InvalidOperationException($"A look-up was answered with {(int)answer.StatusCode}.");
        }));
    }

    private IEnumerable<SpeedLine> Lines()
    {
        var (alone, people, both) = (Of(Phase.Training), Of(Phase.People), Of(Phase.Both));
        yield return SpeedLine.AtMost("p95 of a step to a page, while training", [.. both.Select(one => P95(one.Pages))], MostMilliseconds, " ms", Said($"{options.Circuits} circuits, {both.Sum(one => one.Pages.Count)} steps, one per circuit and 5 s; without the training {IngestRatio.MedianOf(people.Select(one => P95(one.Pages))):0} ms"));
        yield return SpeedLine.AtMost("p95 of an assignment over HTTP, while training", [.. both.Select(one => P95(one.LookUps))], MostMilliseconds, " ms", Said($"{LookUpsPerSecond} a second; without the training {IngestRatio.MedianOf(people.Select(one => P95(one.LookUps))):0.0} ms"));
        // Of what the others leave, the training is to make as much as it does of what they leave when nobody clicks.
        var losses = alone.Zip(both, (one, other) => 1 - (other.Rate / one.Rate / (Left(other) / Left(one)))).ToList();
        yield return SpeedLine.AtMost("what the training loses beyond the processor time that the others used", [.. losses.Select(loss => 100 * loss)], 100 * MostLoss, " %", Said($"it keeps {100 * IngestRatio.MedianOf(alone.Zip(both, (one, other) => other.Rate / one.Rate)):0} % of its speed, the others (browser included) use {100 * IngestRatio.MedianOf(both.Select(one => one.OtherSeconds / (Environment.ProcessorCount * one.Seconds))):0} % of {Environment.ProcessorCount} processors"));

        double Left(Measured of) => 1 - (of.OtherSeconds / (Environment.ProcessorCount * of.Seconds));
        List<Measured> Of(Phase phase) => [.. measured.Where(one => one.Phase == phase)];
    }

    private static string Said(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static double P95(IEnumerable<double> milliseconds) => milliseconds.Order().ToList() is { Count: > 0 } sorted ? sorted[(int)Math.Ceiling(0.95 * sorted.Count) - 1] : double.NaN;

    /// <summary>Least squares; 0 where it stood.</summary>
    private static double Slope(IReadOnlyList<(double At, double Progress)> seen)
    {
        var (at, progress) = (seen.Average(one => one.At), seen.Average(one => one.Progress));
        var spread = seen.Sum(one => (one.At - at) * (one.At - at));
        return spread == 0 ? 0 : seen.Sum(one => (one.At - at) * (one.Progress - progress)) / spread;
    }

    public async ValueTask DisposeAsync()
    {
        if (worker is not null)
        {
            if (trainer != 0)
            {
                // Stopped, it would not see that its worker ends, and stay.
                ProcessTree.Signal(trainer, "CONT");
            }
            await worker.DisposeAsync();
        }
        client.Dispose();
        await world.DisposeAsync();
    }
}
