using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Queueing;

namespace Pimm.Core.Outcomes;

public static class OutcomesServices
{
    public static IServiceCollection AddOutcomes(this IServiceCollection services) => services
        .AddSingleton<OutcomeStore>()
        .AddSingleton<DeliveryAnomalyStore>()
        .AddSingleton<IJob, ImportOutcomes>();
}
