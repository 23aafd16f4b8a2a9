namespace Pimm.Web.Shared;

public static class RoomServices
{
    /// <summary>What the pages read, and one listener for the process behind every progress bar.</summary>
    public static IServiceCollection AddRooms(this IServiceCollection services)
    {
        services.AddScoped<Approvals.LifeActions>();
        services.AddScoped<Campaigns.CampaignRoom>();
        services.AddScoped<Demo.DemoActions>();
        services.AddScoped<Importing.ImportActions>();
        services.AddScoped<Importing.ImportRoom>();
        services.AddScoped<Users.UserActions>();
        services.AddScoped<Audit.AuditActions>();
        services.AddScoped<Settings.SettingsActions>();
        services.AddScoped<Settings.SettingsRoom>();
        services.AddSingleton<JobWatcher>();
        return services.AddHostedService(provider => provider.GetRequiredService<JobWatcher>());
    }
}
