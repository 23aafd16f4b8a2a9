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
                // The worker holds the other end of stdin: when it dies, however, this ends too.
                using var orphaned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                _ = Task.Run(() => { while (Console.In.Read() >= 0) { } orphaned.Cancel(); }, CancellationToken.None);
                var training = JsonSerializer.Deserialize<RowsTraining>(
                    await File.ReadAllTextAsync(call.Arguments.GetValue(request)!, cancellationToken), JsonSerializerOptions.Web)
                    ?? throw new InputException("The request is empty.");
                new TrainRows(call.Service<TrainModel>()).Run(training, p => call.Output.WriteLine(p.ToJson()), orphaned.Token);
                return ExitCode.Done;
            });
    }
}
