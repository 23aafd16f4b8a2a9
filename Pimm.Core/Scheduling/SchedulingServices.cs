using Microsoft.Extensions.DependencyInjection;

namespace Pimm.Core.Scheduling;

public static class SchedulingServices
{
    /// <summary>What a schedule's firing asks for, and the hands that fire one; the clock is a worker's.</summary>
    public static IServiceCollection AddScheduling(this IServiceCollection services) => services
        .AddSingleton<ScheduleFacts>()
        .AddSingleton<ScheduleFirings>()
        .AddSingleton<ScheduleOutlookStore>()
        .AddSingleton<FiringByHand>();
}
