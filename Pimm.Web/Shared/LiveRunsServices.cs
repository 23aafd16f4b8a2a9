namespace Pimm.Web.Shared;

public static class LiveRunsServices
{
    /// <summary>One listener for the process, behind every progress bar.</summary>
    public static IServiceCollection AddLiveRuns(this IServiceCollection services)
    {
        services.AddSingleton<JobWatcher>();
        return services.AddHostedService(provider => provider.GetRequiredService<JobWatcher>());
    }
}
