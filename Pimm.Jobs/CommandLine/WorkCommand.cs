using System.CommandLine;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Pimm.Core;
using Pimm.Core.Notifying;
using Pimm.Core.Operating;
using Pimm.Core.Queueing;
using Pimm.Core.Retaining;
using Pimm.Jobs.Scheduling;

namespace Pimm.Jobs.CommandLine;

public static class WorkCommand
{
    /// <param name="alsoOffer">more that this worker's host is made of, for the tests' own worker</param>
    public static Command Create(Action<IServiceCollection>? alsoOffer = null)
    {
        var slots = new Option<int?>("--slots") { Description = "runs at once (default: Queueing:Slots, 1)" };
        var capabilities = new Option<string[]>("--offers") { Description = "a capability that runs may require, for example gpu; may be repeated" };
        var kinds = new Option<string?>("--kinds") { Description = "the only kinds of runs to take, with commas between: train,score" };
        var notKinds = new Option<string?>("--not-kinds") { Description = "kinds of runs to leave to other workers, with commas between" };
        var noSchedule = new Option<bool>("--no-schedule") { Description = "take runs only, and leave the firing of schedules to other workers" };
        return new Command("work", "a worker: takes runs and does them until it is stopped; as many as you like on as many machines") { slots, capabilities, kinds, notKinds, noSchedule }
            .Does((call, cancellationToken) => WorkAsync(
                queueing =>
                {
                    queueing.Slots = call.Arguments.GetValue(slots) ?? queueing.Slots;
                    queueing.Kinds = Names(kinds, call) ?? queueing.Kinds;
                    queueing.NotKinds = Names(notKinds, call) ?? queueing.NotKinds;
                    queueing.Capabilities = [.. queueing.Capabilities, .. call.Arguments.GetValue(capabilities) ?? []];
                },
                schedules: !call.Arguments.GetValue(noSchedule), alsoOffer, cancellationToken));
    }

    private static async Task<int> WorkAsync(Action<QueueingOptions> configure, bool schedules, Action<IServiceCollection>? alsoOffer, CancellationToken cancellationToken)
    {
        var builder = PimmHost.CreateBuilder();
        var scheduling = builder.Configuration.GetSection("Scheduling").Get<SchedulingOptions>() ?? new SchedulingOptions();
        var fires = schedules && scheduling.Enabled;
        if (fires)
            builder.Services.AddScheduleClock(scheduling);
        builder.Services.AddWorker();
        builder.Services.AddTrainingFolderSweep();
        builder.Services.AddWebhookPostman();
        builder.Services.AddNoticeSampler();
        builder.Services.AddMetricsExport(builder.Configuration, "pimm-worker");
        alsoOffer?.Invoke(builder.Services);
        builder.Services.Configure<QueueingOptions>(options =>
        {
            configure(options);
            options.Schedules = fires;
        });
        // The worker itself waits for its runs; the host's own limit only has to be longer.
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromHours(2));
        builder.Services.Configure<ConsoleLifetimeOptions>(options => options.SuppressStatusMessages = true);
        using var host = builder.Build();
        var clock = host.Services.GetService<ScheduleClockHost>();
        await host.RunAsync(cancellationToken);
        return clock?.Refusal is { } refusal ? throw refusal : ExitCode.Done;
    }

    private static string[]? Names(Option<string?> option, Invocation call)
    {
        if (call.Arguments.GetValue(option) is not { } list)
            return null;
        var names = list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return names.Length > 0 ? names : throw new InputException($"{option.Name} names no kind of run: leave it out, or write it as {option.Name} train,score.");
    }
}
