namespace Pimm.Web.Shared;

public static class RoomServices
{
    /// <summary>What the pages read, and one listener for the process behind every progress bar.</summary>
    public static IServiceCollection AddRooms(this IServiceCollection services)
    {
        services.AddScoped<Campaigns.CampaignRoom>();
        services.AddScoped<Importing.ImportActions>();
        services.AddScoped<Importing.ImportRoom>();
        services.AddScoped<Campaigns.Catalogue.CatalogueActions>();
        services.AddScoped<Campaigns.Wizard.EligibilityQuestions>();
        services.AddScoped<Campaigns.Wizard.SubmissionDesk>();
        services.AddScoped<Campaigns.Wizard.WizardActions>();
        services.AddScoped<Campaigns.Wizard.WizardRoom>();
        services.AddTransient<Campaigns.Wizard.WizardSession>();
        services.AddSingleton<Campaigns.Wizard.CountLimit>();
        services.AddSingleton<JobWatcher>();
        return services.AddHostedService(provider => provider.GetRequiredService<JobWatcher>());
    }
}
