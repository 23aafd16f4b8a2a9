using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Queueing;

namespace Pimm.Core.Training;

public static class TrainingServices
{
    public static IServiceCollection AddTraining(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<TrainingProcessOptions>().Bind(configuration.GetSection("Training"));
        services.AddOptions<TrainingCheckOptions>().Bind(configuration.GetSection("Training:Checks"));
        return services
            .AddSingleton<ModelStore>()
            .AddSingleton<TrainingChecks>()
            .AddSingleton<TrainModel>()
            .AddSingleton<RowsSpool>()
            .AddSingleton<TrainingProcess>()
            .AddSingleton<IJob, TrainModelLine>();
    }
}
