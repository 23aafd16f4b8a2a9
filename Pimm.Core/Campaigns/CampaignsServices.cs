using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Pimm.Core.Campaigns;

public static class CampaignsServices
{
    public static IServiceCollection AddCampaigns(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ApprovalOptions>().Bind(configuration.GetSection(ApprovalOptions.Section));
        return services
            .AddSingleton<CampaignStore>()
            .AddSingleton<CampaignListStore>()
            .AddSingleton<UnfinishedCampaignStore>()
            .AddSingleton<CampaignHistoryStore>()
            .AddSingleton<CampaignClashStore>()
            .AddSingleton<DefinitionStore>()
            .AddSingleton<LifeStore>()
            .AddSingleton<StandingApproval>();
    }
}
