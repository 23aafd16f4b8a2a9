namespace Pimm.Web.Shared;

public static class RoomServices
{
    /// <summary>What the pages read, and one listener for the process behind every progress bar.</summary>
    public static IServiceCollection AddRooms(this IServiceCollection services)
    {
        services.AddScoped<Approvals.ApprovalRoom>();
        services.AddScoped<Approvals.LifeActions>();
        services.AddScoped<Campaigns.CampaignRoom>();
        services.AddScoped<Importing.ImportActions>();
        services.AddScoped<Importing.ImportRoom>();
        services.AddSingleton<JobWatcher>();
        return services.AddHostedService(provider => provider.GetRequiredService<JobWatcher>());
    }
}
