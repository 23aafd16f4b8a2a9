using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Queueing;

namespace Pimm.Core.Promoting;

public static class PromotingServices
{
    public static IServiceCollection AddPromoting(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<PromotingOptions>().Bind(configuration.GetSection("Promoting"));
        return services
            .AddSingleton<PromotionStore>()
            .AddSingleton<LineHistoryStore>()
            .AddSingleton<ChampionChange>()
            .AddSingleton<RowJudge>()
            .AddSingleton<LineComparer>()
            .AddSingleton<VersionJudge>()
            .AddSingleton<IJob, PromoteVersion>()
            .AddSingleton<IJob, CompareVersions>();
    }
}
