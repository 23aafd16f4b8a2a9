using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Pimm.Core.Safekeeping;

public static class SafekeepingServices
{
    public static IServiceCollection AddSafekeeping(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<BackupOptions>().Bind(configuration.GetSection("Backup"));
        return services
            .AddSingleton<PostgresTools>()
            .AddSingleton<ExportFiles>()
            .AddSingleton<BackupStore>()
            .AddSingleton<BackupWriter>()
            .AddSingleton<BackupRestorer>();
    }
}
