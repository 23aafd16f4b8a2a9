using Microsoft.Extensions.DependencyInjection;

namespace Pimm.Core.Campaigns;

public static class CampaignsServices
{
    public static IServiceCollection AddCampaigns(this IServiceCollection services) => services.AddSingleton<CampaignStore>().AddSingleton<CampaignListStore>().AddSingleton<UnfinishedCampaignStore>();
}
