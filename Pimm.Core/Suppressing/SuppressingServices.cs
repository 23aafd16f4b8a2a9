using Microsoft.Extensions.DependencyInjection;

namespace Pimm.Core.Suppressing;

public static class SuppressingServices
{
    public static IServiceCollection AddSuppressing(this IServiceCollection services) => services
        .AddSingleton<ConsentStore>()
        .AddSingleton<ErasureStore>()
        .AddSingleton<SuppressionStore>()
        .AddSingleton<OptOuts>();
}
