using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using Pimm.Core.Database;

namespace Pimm.Core.Operating;

/// <summary>Sends the meters by OTLP to where OTEL_EXPORTER_OTLP_ENDPOINT says; protocol, headers and interval by the same family of variables.</summary>
/// <param name="service">name of this process among those that report</param>
public sealed class MetricsExport(string service) : IHostedService
{
    public const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private MeterProvider? provider;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        provider = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(resource => resource.AddService(service, serviceVersion: PimmCore.Version, serviceInstanceId: $"{Environment.MachineName}/{Environment.ProcessId}"))
            .AddMeter(PimmMeter.Name, "Npgsql", "System.Runtime", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel")
            .AddOtlpExporter()
            .Build();
        return Task.CompletedTask;
    }

    /// <summary>What was measured last is still sent.</summary>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        provider?.ForceFlush(2_000);
        provider?.Dispose();
        return Task.CompletedTask;
    }
}
