namespace Pimm.Web.Shared;

public static class RoomServices
{
    /// <summary>What the pages read, and one listener for the process behind every progress bar.</summary>
    public static IServiceCollection AddRooms(this IServiceCollection services)
    {
        services.AddScoped<Approvals.ApprovalRoom>();
        services.AddScoped<Approvals.LifeActions>();
        services.AddScoped<Campaigns.CampaignRoom>();
        services.AddScoped<Campaigns.NightlyActions>();
        services.AddScoped<Demo.DemoActions>();
        services.AddScoped<Audiences.AudienceRoom>();
        services.AddScoped<Models.ModelRoom>();
        services.AddScoped<Privacy.PrivacyRoom>();
        services.AddScoped<Privacy.PrivacyActions>();
        services.AddScoped<Models.CompareRoom>();
        services.AddScoped<Models.ModelActions>();
        services.AddScoped<Importing.ImportActions>();
        services.AddScoped<Importing.ImportRoom>();
        services.AddScoped<Users.UserActions>();
        services.AddScoped<Audit.AuditActions>();
        services.AddScoped<Settings.SettingsActions>();
        services.AddScoped<Settings.SettingsRoom>();
        services.AddScoped<Runs.RunRoom>();
        services.AddScoped<Schedules.ScheduleActions>();
        services.AddScoped<Home.HomeRoom>();
        services.AddScoped<Campaigns.Catalogue.CatalogueActions>();
        services.AddScoped<Campaigns.Wizard.EligibilityQuestions>();
        services.AddScoped<Campaigns.Wizard.WizardActions>();
        services.AddScoped<Campaigns.Wizard.CampaignRecords>();
        services.AddScoped<Campaigns.Wizard.WizardRoom>();
        services.AddTransient<Campaigns.Wizard.WizardSession>();
        services.AddSingleton<Campaigns.Wizard.CountLimit>();
        services.AddSingleton<Sentences.CoreSentences>();
        services.AddSingleton<JobWatcher>();
        return services.AddHostedService(provider => provider.GetRequiredService<JobWatcher>());
    }
}
