using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Pimm.Core;
using Pimm.Core.Auditing;
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
        return new Command("demo", "simulates a market and runs a whole campaign through the seven stages, then prints its lift report")
        {
            All(), Night(), Reset(), world, seed, customers, history, impressions, control, treatment, split, Invocation.JsonOption,
        }.Does(async (call, cancellationToken) =>
        {
            T Value<T>(Option<T> option) => call.Arguments.GetValue(option)!;
            var request = new DemoRequest(
                Value(world), Value(seed), Value(customers), Value(history), call.Arguments.GetValue(impressions) ?? Math.Max(1, Value(customers) / 100),
                Days, WindowDays, Value(control), Value(treatment), Value(split), Today.AddDays(-Days - WindowDays - 2), Folder).Validated();
            return await RunAsync(call, request, cancellationToken);
        });
    }

    private static string Folder => DemoShow.Folder;

    private static DateOnly Today => DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);

    private static Command All()
    {
        var ifEmpty = new Option<bool>("--if-empty") { Description = "only where there are no real customers; the worker that runs already does the work" };
        return new Command("all", "loads everything the pages can show: a finished campaign, a running one, one that waits for approval, six model versions, an import that failed")
        {
            ifEmpty, Invocation.JsonOption,
        }.Does(async (call, cancellationToken) =>
        {
            if (call.Arguments.GetValue(ifEmpty))
            {
                if (!await call.Service<DemoState>().AnyRealAsync(cancellationToken))
                {
                    await call.Service<DemoShow>().RunAsync(Today, Folder, call.Error.WriteLine, cancellationToken);
                }
                return ExitCode.Done;
            }
            await WithWorkerAsync(call, async (services, tell) =>
            {
                await services.GetRequiredService<DemoShow>().RunAsync(Today, Folder, tell, cancellationToken);
                return 0L;
            }, cancellationToken);
            return ExitCode.Done;
        });
    }

    private static Command Night() => new Command("tonight", "plays the next night and day of every simulated campaign that runs, now")
    {
        Invocation.JsonOption,
    }.Does(async (call, cancellationToken) =>
    {
        var runs = await call.Service<DemoNight>().StartAsync(AuditActor.CommandLine, Folder, cancellationToken);
        call.Output.WriteLine(call.Json ? JsonSerializer.Serialize(new { runs }) : $"The night is asked for: {string.Join(", ", runs.Select(run => $"run {run}"))} will end it. Watch with ./pimm runs list.");
        return ExitCode.Done;
    });

    private static Command Reset()
    {
        var yes = new Option<bool>("--yes") { Description = "remove every campaign, model, customer and run of this installation, all of which must be simulated; users, keys and the audit log stay" };
        return new Command("reset", "empties an installation that holds simulated data only, so that the demo can be loaded anew") { yes, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            if (!call.Arguments.GetValue(yes))
            {
                throw new InputException("This removes every campaign, model, customer and run of this installation (users, keys and the audit log stay): say --yes.");
            }
            await call.Service<DemoReset>().RunAsync(AuditActor.CommandLine, cancellationToken);
            call.Output.WriteLine(call.Json ? "{\"reset\":true}" : "Everything simulated is gone: ./pimm demo all loads it anew.");
            return ExitCode.Done;
        });
    }

    /// <summary>With a worker of its own: whoever has one running already shares the work with it.</summary>
    private static async Task<T> WithWorkerAsync<T>(Invocation call, Func<IServiceProvider, Action<string>, Task<T>> act, CancellationToken cancellationToken)
    {
        var builder = PimmHost.CreateBuilder();
        PimmHost.Quieten(builder.Logging);
        builder.Services.AddWorker();
        using var host = builder.Build();
        await host.StartAsync(cancellationToken);
        var clock = Stopwatch.StartNew();
        try
        {
            return await act(host.Services, message => call.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $@"{clock.Elapsed:m\:ss}  {message}")));
        }
        finally
        {
            await host.StopAsync(CancellationToken.None);
        }
    }

    private static async Task<int> RunAsync(Invocation call, DemoRequest request, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var campaign = await WithWorkerAsync(call, (services, tell) => services.GetRequiredService<RunDemo>().RunAsync(request, tell, cancellationToken), cancellationToken);
        var stored = await call.Service<LiftStore>().NewestAsync(campaign, cancellationToken)
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
}
