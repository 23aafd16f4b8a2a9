using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Pimm.Core.Queueing;

public static class QueueingServices
{
    /// <summary>The queue, for whoever asks for runs or looks at them.</summary>
    public static IServiceCollection AddQueueing(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<QueueingOptions>().Bind(configuration.GetSection("Queueing"));
        services.AddOptions<DiskOptions>().Bind(configuration.GetSection("Disk"));
        return services
            .AddSingleton<DiskSpace>()
            .AddSingleton<JobQueue>()
            .AddSingleton<RunListStore>()
            .AddSingleton<WorkerStore>()
            .AddSingleton<ScheduleStore>()
            .AddSingleton<ScheduleHealthStore>();
    }

    /// <summary>The worker, for the one host that runs the registered <see cref="IJob"/>s.</summary>
    public static IServiceCollection AddWorker(this IServiceCollection services)
    {
        services.AddSingleton<WorkerLeases>();
        services.AddHostedService<WorkerPresence>();
        services.AddHostedService<Worker>();
        return services;
    }
}
