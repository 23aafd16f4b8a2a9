using Microsoft.Extensions.DependencyInjection;

namespace Pimm.Core.Identifying;

public static class IdentifyingServices
{
    public static IServiceCollection AddIdentifying(this IServiceCollection services) => services
        .AddSingleton<IdentifierKeyStore>()
        .AddSingleton<Sealer>()
        .AddSingleton<IdentifierStore>();
}
