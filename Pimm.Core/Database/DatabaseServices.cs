using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Pimm.Core.Database;

public static class DatabaseServices
{
    /// <summary>The app role's data source, opened on first use: a verb that needs no database starts without one.</summary>
    public static IServiceCollection AddPimmDatabase(this IServiceCollection services, IConfiguration configuration)
    {
        DapperTypes.Register();
        services.AddOptions<DatabaseOptions>().Bind(configuration.GetSection("Database")).Configure(options =>
        {
            options.WorkerSlots = configuration.GetValue("Queueing:Slots", options.WorkerSlots);
            options.SchedulerPoolSize = configuration.GetValue("Scheduling:MaxPoolSize", options.SchedulerPoolSize);
        });
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => DataSources.ForApp(provider.GetRequiredService<IOptions<DatabaseOptions>>().Value));
        return services;
    }
}
