using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Pimm.Core;
using Pimm.Core.Campaigns;
using Pimm.Core.Lift;
using Pimm.Core.Queueing;
using Pimm.Core.Simulating;

namespace Pimm.Jobs.CommandLine;

/// <summary>The main job without the web: simulate a market, run a whole campaign, print the lift report.</summary>
public static class DemoCommand
{
    private const int WindowDays = 30;
    private const int Days = 5;

    public static Command Create()
    {
        var world = new Option<string>("--world") { Description = "null (the ad does nothing), base, harvest or knownLift", DefaultValueFactory = _ => "base" };
        var seed = new Option<long>("--seed") { Description = "another seed is another market", DefaultValueFactory = _ => 1 };
        var customers = new Option<int>("--customers") { Description = "eligible customers", DefaultValueFactory = _ => 200_000 };
        var history = new Option<int>("--history") { Description = "impressions of the year before", DefaultValueFactory = _ => 240_000 };
        var impressions = new Option<int?>("--impressions") { Description = "a day and arm; default a hundredth of the customers" };
        var control = new Option<string>("--control") { Description = $"{string.Join(", ", Core.Networks.NetworkCatalog.Names)}, random, truth:weak, truth:good or truth:effect", DefaultValueFactory = _ => "shared-bottom" };
        var treatment = new Option<string>("--treatment") { Description = "as --control", DefaultValueFactory = _ => "pimm" };
        var split = new Option<string>("--split-method") { Description = "best-of, blocks or plain", DefaultValueFactory = _ => "best-of" };
        var ifEmpty = new Option<bool>("--if-empty") { Description = "only when there is no campaign yet, or to finish a demo that was interrupted; the worker that runs already does the work" };
        return new Command("demo", "simulates a market and runs a whole campaign through the seven stages, then prints its lift report")
        {
            world, seed, customers, history, impressions, control, treatment, split, ifEmpty, Invocation.JsonOption,
        }.Does(async (call, cancellationToken) =>
        {
            T Value<T>(Option<T> option) => call.Arguments.GetValue(option)!;
            var today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);
            var request = new DemoRequest(
                Value(world), Value(seed), Value(customers), Value(history), call.Arguments.GetValue(impressions) ?? Math.Max(1, Value(customers) / 100),
                Days, WindowDays, Value(control), Value(treatment), Value(split), today.AddDays(-Days - WindowDays - 2),
                Environment.GetEnvironmentVariable("PIMM_DEMO_FOLDER") ?? Path.Combine(Environment.CurrentDirectory, "demo")).Validated();
            return call.Arguments.GetValue(ifEmpty)
                ? await SeedAsync(call, request, cancellationToken)
                : await RunAsync(call, request, cancellationToken);
        });
    }

    /// <summary>With a worker of its own: whoever has one running already shares the work with it.</summary>
    private static async Task<int> RunAsync(Invocation call, DemoRequest request, CancellationToken cancellationToken)
    {
        var builder = PimmHost.CreateBuilder();
        PimmHost.Quieten(builder.Logging);
        builder.Services.AddWorker();
        using var host = builder.Build();
        await host.StartAsync(cancellationToken);
        var clock = Stopwatch.StartNew();
        long campaign;
        try
        {
            campaign = await host.Services.GetRequiredService<RunDemo>().RunAsync(
                request, message => call.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed:m\\:ss}  {message}")), cancellationToken);
        }
        finally
        {
            await host.StopAsync(CancellationToken.None);
        }
        var stored = await host.Services.GetRequiredService<LiftStore>().NewestAsync(campaign, cancellationToken)
            ?? throw new InvalidOperationException("The demo left no lift report.");
        var report = LiftReport.FromJson(stored.Report);
        if (call.Json)
        {
            call.Output.WriteLine(JsonSerializer.Serialize(new { campaign, seconds = clock.Elapsed.TotalSeconds, report }, LiftReport.JsonOptions));
        }
        else
        {
            call.Output.Write(LiftReportText.Render(report));
        }
        return ExitCode.Done;
    }

    private static async Task<int> SeedAsync(Invocation call, DemoRequest request, CancellationToken cancellationToken)
    {
        var campaigns = call.Service<CampaignStore>();
        var mine = await campaigns.FindByNameAsync(request.CampaignName, cancellationToken);
        var finished = mine is null
            ? await campaigns.CountAsync(cancellationToken: cancellationToken) > 0
            : await call.Service<LiftStore>().NewestAsync(mine.Id, cancellationToken) is not null;
        if (finished)
        {
            return ExitCode.Done;
        }
        // A campaign that was begun on an earlier day keeps its dates.
        var again = mine is null ? request : request with { StartsOn = mine.StartsOn };
        await call.Service<RunDemo>().RunAsync(again, call.Error.WriteLine, cancellationToken);
        return ExitCode.Done;
    }
}
