using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Queueing;

namespace Pimm.Core.Scoring;

public static class ScoringServices
{
    public static IServiceCollection AddScoring(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ScoringOptions>().Bind(configuration.GetSection("Scoring"));
        return services
            .AddSingleton<ScoringStore>()
            .AddSingleton<ScoreShardStore>()
            .AddSingleton<ChampionScorers>()
            .AddSingleton<ScorePlanner>()
            .AddSingleton<ShardScorer>()
            .AddSingleton<EligibilityCounter>()
            .AddSingleton<IScorerSource, NetworkScorerSource>()
            .AddSingleton<IScorerSource, RandomScorerSource>()
            .AddSingleton<IJob, MeasureOverlap>()
            .AddSingleton<IJob, ScoreCampaign>()
            .AddSingleton<IJob, ScoreShards>();
    }
}
