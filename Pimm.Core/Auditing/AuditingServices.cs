using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Pimm.Core.Auditing;

public static class AuditingServices
{
    public static IServiceCollection AddAuditing(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<AuditingOptions>().Bind(configuration.GetSection("Auditing"));
        return services.AddSingleton<AuditLog>().AddSingleton<AuditVerifier>();
    }
}
