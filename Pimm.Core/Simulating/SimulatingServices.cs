using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Lift;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;

namespace Pimm.Core.Simulating;

public static class SimulatingServices
{
    public static IServiceCollection AddSimulating(this IServiceCollection services) => services
        .AddSingleton<SimulatedMarketStore>()
        .AddSingleton<MarketPlayer>()
        .AddSingleton<RunDemo>()
        .AddSingleton<DemoShow>()
        .AddSingleton<DemoState>()
        .AddSingleton<DemoNight>()
        .AddSingleton<DemoReset>()
        .AddSingleton<IJob, DemoDay>()
        .AddSingleton<IJob, LoadDemo>()
        .AddSingleton<IScorerSource, TruthScorerSource>()
        .AddSingleton<TruthOfCampaign>(provider => provider.GetRequiredService<MarketPlayer>().TruthAsync);
}
