using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Lift;
using Pimm.Core.Scoring;

namespace Pimm.Core.Simulating;

public static class SimulatingServices
{
    public static IServiceCollection AddSimulating(this IServiceCollection services) => services
        .AddSingleton<SimulatedMarketStore>()
        .AddSingleton<MarketPlayer>()
        .AddSingleton<RunDemo>()
        .AddSingleton<IScorerSource, TruthScorerSource>()
        .AddSingleton<TruthOfCampaign>(provider => provider.GetRequiredService<MarketPlayer>().TruthAsync);
}
