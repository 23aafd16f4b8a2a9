using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pimm.Core;
using Pimm.Core.Operating;
using Pimm.Jobs.Scheduling;

namespace Pimm.Jobs;

/// <summary>Settings, logging and the product's services, the same for every verb.</summary>
public static class PimmHost
{
    public static HostApplicationBuilder CreateBuilder()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddPimmSettings().AddEnvironmentVariables();
        builder.Logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
        // stdout belongs to the verb's answer.
        builder.Logging.AddPimmConsole(builder.Configuration, LogLevel.Trace);
        // What stops a host becomes one sentence on stderr; the host itself would print the stack as well.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        builder.Services.AddPimmCore(builder.Configuration);
        builder.Services.AddPimmJobs().AddSchedules(builder.Configuration);
        // A worker's trainings run in children of its own program.
        builder.Services.PostConfigure<Core.Training.TrainingProcessOptions>(training =>
            training.Executable = training.Executable.Length > 0 ? training.Executable : Environment.ProcessPath ?? "");
        return builder;
    }

    public static ServiceProvider CreateServices()
    {
        var builder = CreateBuilder();
        Quieten(builder.Logging);
        return builder.Services.BuildServiceProvider();
    }

    /// <summary>For verbs that a person waits for: what goes wrong, and nothing else.</summary>
    public static void Quieten(ILoggingBuilder logging) => logging.Services.PostConfigure<LoggerFilterOptions>(filter =>
    {
        filter.Rules.Clear();
        filter.MinLevel = LogLevel.Warning;
        filter.AddFilter("Microsoft", LogLevel.Error);
    });

    private static IServiceCollection AddPimmJobs(this IServiceCollection services) => services
        .AddSingleton<Core.Queueing.IJob, Diagnostics.WaitJob>();
}
