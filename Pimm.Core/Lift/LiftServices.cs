using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Queueing;

namespace Pimm.Core.Lift;

public static class LiftServices
{
    public static IServiceCollection AddLift(this IServiceCollection services) => services
        .AddSingleton<LiftStore>()
        .AddSingleton<CampaignOutcomeStore>()
        .AddSingleton<CampaignReader>()
        .AddSingleton<SegmentReader>()
        .AddSingleton<LiftInputReader>()
        .AddSingleton<IJob, MeasureLift>();
}
