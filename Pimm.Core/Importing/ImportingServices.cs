using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Queueing;

namespace Pimm.Core.Importing;

public static class ImportingServices
{
    public static IServiceCollection AddImporting(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ImportingOptions>().Bind(configuration.GetSection("Importing"));
        return services
            .AddSingleton<AudienceStore>()
            .AddSingleton<AudienceListStore>()
            .AddSingleton<AudienceProfiles>()
            .AddSingleton<AudienceReader>()
            .AddSingleton<ImportStore>()
            .AddSingleton<ImportListStore>()
            .AddSingleton<ImportReportStore>()
            .AddSingleton<ImportProgressStore>()
            .AddSingleton<QuarantineStore>()
            .AddSingleton<PersonFactsStore>()
            .AddSingleton<AttributeIntakes>()
            .AddSingleton<ChunkedImport>()
            .AddSingleton<UploadStore>()
            .AddSingleton<ImportDraftStore>()
            .AddSingleton<DraftCheck>()
            .AddSingleton<ImportTemplateStore>()
            .AddSingleton<MappingByName>()
            .AddSingleton<ImportDetector>()
            .AddSingleton<ImportDoor>()
            .AddSingleton<UndoImport>()
            .AddSingleton<IJob, ImportFile>();
    }
}
