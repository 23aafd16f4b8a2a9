using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Queueing;

namespace Pimm.Core.Scoring;

public static class ScoringServices
{
    public static IServiceCollection AddScoring(this IServiceCollection services) => services
        .AddSingleton<ScoringStore>()
        .AddSingleton<ChampionScorers>()
        .AddSingleton<IScorerSource, NetworkScorerSource>()
        .AddSingleton<IScorerSource, RandomScorerSource>()
        .AddSingleton<IJob, ScoreCampaign>();
}
