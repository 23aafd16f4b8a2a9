using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Queueing;

namespace Pimm.Core.Erasing;

public static class ErasingServices
{
    public static IServiceCollection AddErasing(this IServiceCollection services) => services
        .AddSingleton<PrivacyStore>()
        .AddSingleton<PersonRecords>()
        .AddSingleton<ErasureRequests>()
        .AddSingleton<ErasureWork>()
        .AddSingleton<PutAsideRows>()
        .AddSingleton<ErasedFiles>()
        .AddSingleton<IJob, EraseCustomer>();
}
