using System.Data.Common;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Pimm.Core.Database;
using Quartz;

namespace Pimm.Jobs.Scheduling;

public static class SchedulingServices
{
    /// <summary>What is known of schedules, for verbs and for the clock.</summary>
    public static IServiceCollection AddSchedules(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<SchedulingOptions>().Bind(configuration.GetSection("Scheduling"));
        return services.AddSingleton<ScheduleCalendar>().AddSingleton<ScheduleCheck>();
    }

    /// <summary>This process takes part in firing them. To be added before the worker: what is refused takes no run either.</summary>
    /// <exception cref="Core.InputException">a setting is out of its range</exception>
    public static IServiceCollection AddScheduleClock(this IServiceCollection services, SchedulingOptions options)
    {
        _ = options.Validated();
        services.AddSingleton<DbDataSource>(provider => DataSources.ForSchedules(provider.GetRequiredService<IOptions<DatabaseOptions>>().Value, options.MaxPoolSize));
        services.AddSingleton<SchedulerGuard>().AddSingleton<TriggerSync>().AddSingleton<ScheduleClockHost>();
        services.AddHostedService<OutlookWriter>();
        services.AddQuartz(quartz => Configure(quartz, options));
        return services.AddHostedService<ScheduleClock>();
    }

    private static void Configure(IQuartzBuilder quartz, SchedulingOptions options)
    {
        quartz.ConfigureScheduler(scheduler =>
        {
            scheduler.InstanceName = SchedulerGuard.Scheduler;
            scheduler.InstanceId = InstanceId(options);
            scheduler.IdleWaitTime = options.IdleWait;
            scheduler.DefaultTimeZone = TimeZoneInfo.Utc;
            scheduler.ShutdownJobInterruption = ShutdownJobInterruption.Always;
        });
        quartz.UseDefaultThreadPool(2);
        quartz.UsePersistentStore(store =>
        {
            store.UsePostgres(source => source.UseRegisteredDataSource = true);
            store.UseSystemTextJsonSerializer();
            store.ConfigureStore(tables =>
            {
                tables.TablePrefix = "qrtz_";
                tables.StoreJobDataAsStrings = true;
                tables.MisfireThreshold = options.MisfireThreshold;
                tables.CommandTimeout = TimeSpan.FromSeconds(10);
                // Below the lock time-out of its connections: a lock that a dead session holds is told of before it is given up.
                tables.LockWaitWarningThreshold = TimeSpan.FromSeconds(5);
                tables.RecoverFiringsCancelledByShutdown = true;
            });
            store.UseClustering(cluster =>
            {
                cluster.CheckinInterval = options.Checkin;
                cluster.CheckinMisfireThreshold = options.CheckinMisfire;
            });
        });
    }

    private static string InstanceId(SchedulingOptions options) => options.InstanceId.Length > 0
        ? options.InstanceId
        : string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}/{Environment.ProcessId}/{TimeProvider.System.GetUtcNow():yyyyMMddHHmmss}");
}
