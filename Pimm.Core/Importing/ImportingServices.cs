using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Queueing;

namespace Pimm.Core.Importing;

public static class ImportingServices
{
    public static IServiceCollection AddImporting(this IServiceCollection services) => services
        .AddSingleton<AudienceStore>()
        .AddSingleton<AudienceReader>()
        .AddSingleton<ImportStore>()
        .AddSingleton<IJob, ImportFile>();
}
