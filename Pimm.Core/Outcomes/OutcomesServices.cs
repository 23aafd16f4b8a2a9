using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Queueing;

namespace Pimm.Core.Outcomes;

public static class OutcomesServices
{
    public static IServiceCollection AddOutcomes(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<OutcomesOptions>().Bind(configuration.GetSection("Outcomes"));
        return services
            .AddSingleton<StagedOutcomeStore>()
            .AddSingleton<OutcomeStore>()
            .AddSingleton<OutcomeIntakes>()
            .AddSingleton<CorrectionStore>()
            .AddSingleton<WaveDeliveryStore>()
            .AddSingleton<OutcomeBatchStore>()
            .AddSingleton<OutcomeProblemStore>()
            .AddSingleton<OutcomeBatches>()
            .AddSingleton<IdempotencyStore>()
            .AddSingleton<TakeOutcomes>()
            .AddSingleton<ReplayOutcomes>()
            .AddSingleton<InboxStore>()
            .AddSingleton<DeliveryAnomalyStore>()
            .AddSingleton<AudienceCurrencies>()
            .AddSingleton<IJob, ImportOutcomes>()
            .AddSingleton<IJob, CollectOutcomes>();
    }
}
