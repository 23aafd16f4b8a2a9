using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Pimm.Core.Operating;

public static class OperatingServices
{
    public static IServiceCollection AddOperating(this IServiceCollection services) => services
        .AddSingleton<ServerHealth>()
        .AddSingleton<QueueHealth>()
        .AddSingleton<FolderHealth>()
        .AddSingleton<BackupHealth>()
        .AddSingleton<RecordsHealth>()
        .AddSingleton<InstallationHealth>()
        .AddSingleton<OverviewStore>();

    /// <summary>For a process that lives on.</summary>
    public static IServiceCollection AddNoticeSampler(this IServiceCollection services) => services.AddHostedService<NoticeSampler>();

    /// <summary>The meters' way out, for a process that lives on; without an endpoint nothing is read and nothing is sent.</summary>
    public static IServiceCollection AddMetricsExport(this IServiceCollection services, IConfiguration configuration, string service)
    {
        if (string.IsNullOrWhiteSpace(configuration[MetricsExport.EndpointVariable]))
            return services;
        services.AddHostedService<QueueSampler>();
        return services.AddSingleton<IHostedService>(new MetricsExport(service));
    }

    /// <summary>One line an event, as text or, with <c>Logging:Format</c> = json, as one JSON document; every line of a run says which.</summary>
    /// <param name="least">events of this level and above go to stderr, the others to stdout</param>
    /// <exception cref="InputException">the format is neither</exception>
    public static ILoggingBuilder AddPimmConsole(this ILoggingBuilder logging, IConfiguration configuration, LogLevel least)
    {
        var format = configuration["Logging:Format"] ?? "text";
        if (format is not ("text" or "json"))
            throw new InputException($"The setting Logging:Format is \"{format}\": it must be text or json.");
        logging.ClearProviders();
        logging.Services.TryAddSingleton(TimeProvider.System);
        logging.AddConsoleFormatter<LogLineFormatter, ConsoleFormatterOptions>();
        logging.AddJsonConsole(json => { json.IncludeScopes = true; json.UseUtcTimestamp = true; json.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'"; });
        logging.Services.Configure<ConsoleLoggerOptions>(console =>
        {
            console.FormatterName = format == "json" ? ConsoleFormatterNames.Json : LogLineFormatter.FormatterName;
            console.LogToStandardErrorThreshold = least;
        });
        return logging;
    }
}
