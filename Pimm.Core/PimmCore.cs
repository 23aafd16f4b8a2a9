using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Database;
using Pimm.Core.Queueing;

namespace Pimm.Core;

/// <summary>Every feature of the product, registered once for all hosts: one line a feature, in the order of the folders.</summary>
public static class PimmCore
{
    public static IServiceCollection AddPimmCore(this IServiceCollection services, IConfiguration configuration) => services
        .AddPimmDatabase(configuration)
        .AddQueueing(configuration);
}
