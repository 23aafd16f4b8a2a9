using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Queueing;

namespace Pimm.Core.Retaining;

public static class RetainingServices
{
    public static IServiceCollection AddRetaining(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<RetentionOptions>().Bind(configuration.GetSection("Retention"));
        return services
            .AddSingleton(new WorkFolders(
                Absolute(configuration["Exporting:Folder"] ?? "exports"), Absolute(configuration["Training:Folder"] ?? "training"),
                Absolute(configuration["Outcomes:Inbox"] ?? "inbox"), Absolute(configuration["Backup:Folder"] ?? "backups")))
            .AddSingleton<RetentionStore>()
            .AddSingleton<RetentionPlan>()
            .AddSingleton<IJob, Retain>();
    }

    /// <summary>For a worker.</summary>
    public static IServiceCollection AddTrainingFolderSweep(this IServiceCollection services) => services.AddHostedService<TrainingFolderSweep>();

    private static string Absolute(string folder) => folder.Length == 0 ? "" : Path.GetFullPath(folder);
}
