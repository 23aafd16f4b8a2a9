using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Queueing;

namespace Pimm.Core.Exporting;

public static class ExportingServices
{
    public static IServiceCollection AddExporting(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ExportingOptions>().Bind(configuration.GetSection("Exporting"));
        return services
            .AddSingleton<ExportStore>()
            .AddSingleton<ListWriter>()
            .AddSingleton<WaveLists>()
            .AddSingleton<CustomerAssignmentStore>()
            .AddSingleton<IJob, ExportWave>();
    }
}
