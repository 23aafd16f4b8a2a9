using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Queueing;

namespace Pimm.Core.Allocating;

public static class AllocatingServices
{
    public static IServiceCollection AddAllocating(this IServiceCollection services) => services
        .AddSingleton<AllocationStore>()
        .AddSingleton<CampaignSplitter>()
        .AddSingleton<WaveFigureStore>()
        .AddSingleton<ArmScoreStore>()
        .AddSingleton<IJob, AllocateWave>();
}
