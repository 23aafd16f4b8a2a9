using Microsoft.Extensions.DependencyInjection;

namespace Pimm.Core.Approving;

public static class ApprovingServices
{
    public static IServiceCollection AddApproving(this IServiceCollection services) => services
        .AddSingleton<DefinitionStore>()
        .AddSingleton<SubmissionStore>()
        .AddSingleton<CampaignDrafts>();
}
