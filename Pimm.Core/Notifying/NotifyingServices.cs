using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Pimm.Core.Notifying;

public static class NotifyingServices
{
    public static IServiceCollection AddNotifying(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<NotifyingOptions>().Bind(configuration.GetSection("Notifying"));
        return services
            .AddSingleton<WebhookSecrets>()
            .AddSingleton<WebhookSender>()
            .AddSingleton<WebhookStore>()
            .AddSingleton<NoticeStore>()
            .AddSingleton<WebhookAdministration>();
    }

    /// <summary>For a worker.</summary>
    public static IServiceCollection AddWebhookPostman(this IServiceCollection services) => services.AddHostedService<WebhookPostman>();
}
