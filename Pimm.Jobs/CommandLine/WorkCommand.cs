using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Pimm.Core.Operating;
using Pimm.Core.Queueing;

namespace Pimm.Jobs.CommandLine;

public static class WorkCommand
{
    public static Command Create()
    {
        var slots = new Option<int?>("--slots") { Description = "runs at once (default: Queueing:Slots, 1)" };
        var capabilities = new Option<string[]>("--offers") { Description = "a capability that runs may require, for example gpu; may be repeated" };
        var kinds = new Option<string?>("--kinds") { Description = "the only kinds of runs to take, with commas between: train,score" };
        var notKinds = new Option<string?>("--not-kinds") { Description = "kinds of runs to leave to other workers, with commas between" };
        return new Command("work", "a worker: takes runs and does them until it is stopped; as many as you like on as many machines") { slots, capabilities, kinds, notKinds }
            .Does(async (call, cancellationToken) =>
            {
                var builder = PimmHost.CreateBuilder();
                builder.Services.AddWorker();
                builder.Services.AddMetricsExport(builder.Configuration, "pimm-worker");
                builder.Services.Configure<QueueingOptions>(options =>
                {
                    options.Slots = call.Arguments.GetValue(slots) ?? options.Slots;
                    options.Kinds = Names(call.Arguments.GetValue(kinds)) ?? options.Kinds;
                    options.NotKinds = Names(call.Arguments.GetValue(notKinds)) ?? options.NotKinds;
                    options.Capabilities = [.. options.Capabilities, .. call.Arguments.GetValue(capabilities) ?? []];
                });
                // The worker itself waits for its runs; the host's own limit only has to be longer.
                builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromHours(2));
                builder.Services.Configure<ConsoleLifetimeOptions>(options => options.SuppressStatusMessages = true);
                using var host = builder.Build();
                await host.RunAsync(cancellationToken);
                return ExitCode.Done;
            });
    }

    private static string[]? Names(string? list) => list?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
