using System.CommandLine;
using System.Text.Json;
using Pimm.Core;
using Pimm.Core.Training;

namespace Pimm.Jobs.CommandLine;

/// <summary>The worker's child: not for people, so hidden.</summary>
public static class TrainRowsCommand
{
    public static Command Create()
    {
        var request = new Argument<string>("request") { Description = "JSON file of the training" };
        return new Command("train-rows", "trains on the rows a worker wrote down; the worker starts it") { request, }
            .Hiding()
            .Does(async (call, cancellationToken) =>
            {
                var training = JsonSerializer.Deserialize<RowsTraining>(
                    await File.ReadAllTextAsync(call.Arguments.GetValue(request)!, CancellationToken.None), JsonSerializerOptions.Web)
                    ?? throw new InputException("The request is empty.");
                ProcessorShare.Yield();
                using var stop = new TrainingStop();
                _ = Task.Run(() => Obey(stop), CancellationToken.None);
                // A signal to the whole group reaches the worker too, which hands the run over.
                await using var signal = cancellationToken.Register(stop.WithCheckpoint);
                try
                {
                    new TrainRows(call.Service<TrainModel>()).Run(training, news => call.Output.WriteLine(news.ToJson()), stop);
                    return ExitCode.Done;
                }
                catch (OperationCanceledException)
                {
                    return TrainingProcess.AskedToEnd;
                }
            });
    }

    /// <summary>The worker holds the other end of stdin: when it dies, however, this ends too.</summary>
    private static void Obey(TrainingStop stop)
    {
        while (Console.In.ReadLine() is { } line)
        {
            if (line == TrainingProcess.EndWithCheckpoint)
            {
                stop.WithCheckpoint();
            }
        }

        stop.AtOnce();
    }
}
