using System.CommandLine;
using System.Globalization;
using Pimm.Core;
using Pimm.Core.Datasets;
using Pimm.Core.Training;

namespace Pimm.Jobs.CommandLine;

/// <summary>Trains a model straight on a file, without a database.</summary>
public static class TrainCommand
{
    private static readonly Option<string> Model = new("--model") { Description = "pimm or shared-bottom", DefaultValueFactory = _ => "pimm" };
    private static readonly Option<string[]> Set = new("--set") { Description = "a setting of the model as key=value; again for more" };
    private static readonly Option<int> Epochs = new("--epochs") { Description = "most epochs", DefaultValueFactory = _ => new TrainingOptions().Epochs };
    private static readonly Option<int?> Batch = new("--batch") { Description = "rows of a batch; by default 2,000, fewer on a small file" };
    private static readonly Option<double> LearningRate = new("--lr") { Description = "Adam's learning rate", DefaultValueFactory = _ => new TrainingOptions().LearningRate };
    private static readonly Option<int?> Threads = new("--threads") { Description = "threads that compute; by default one a core" };
    private static readonly Option<string> Device = new("--device") { Description = "cpu or cuda:0", DefaultValueFactory = _ => "cpu" };
    private static readonly Option<string?> Report = new("--report") { Description = "write a page about the model, FILE.md, with its JSON and charts beside it" };
    private static readonly Option<string?> Slice = new("--slice") { Description = "columns by whose values the test metrics are split; by default up to three" };
    private static readonly Option<long?> Campaign = new("--campaign") { Description = "train both lines of a stored campaign on its audience's history instead of a file" };
    private static readonly Option<string?> Out = new("--out") { Description = "the folder the model is written to; by default models/MODEL-SEED" };

    public static Command Create()
    {
        var command = new Command("train", "trains a model on a file (splits, encodes, trains, tests once, saves), or the lines of a campaign");
        DatasetArguments.AddTo(command);
        foreach (var option in new Option[] { Campaign, Model, Set, Epochs, Batch, LearningRate, Threads, Device, Report, Slice, Out, Invocation.JsonOption })
        {
            command.Options.Add(option);
        }

        return command.Does((call, cancellationToken) => call.Arguments.GetValue(Campaign) is { } campaign
            ? CampaignStageCommands.TrainAsync(call, campaign, call.Arguments.GetValue(DatasetArguments.Seed), cancellationToken)
            : Task.FromResult(Run(call, cancellationToken)));
    }

    private static int Run(Invocation call, CancellationToken cancellationToken)
    {
        var arguments = call.Arguments;
        var request = RequestOf(arguments);
        var folder = arguments.GetValue(Out) ?? string.Create(CultureInfo.InvariantCulture, $"models/{request.Model}-{request.Options.Seed}");
        TrainedModel.RefuseOccupied(folder);
        if (arguments.GetValue(Report) is { } page)
        {
            ModelCard.RefuseUnwritable(page);
        }

        var dataset = DatasetArguments.Read(arguments, call.Error, cancellationToken);
        using var data = dataset.Snapshot;
        TrainedModel model;
        using (var display = TrainingDisplay.For(call))
        {
            model = new TrainModel(TimeProvider.System).Run(request, data, display.Show, cancellationToken);
        }

        model.Save(folder);
        if (arguments.GetValue(Report) is { } report)
        {
            ModelCard.Write(model, Path.GetFileName(arguments.GetValue(DatasetArguments.Data)!), report);
        }

        Print(call, model.Description, folder);
        return ExitCode.Done;
    }

    private static TrainingRequest RequestOf(ParseResult arguments) => new(
        arguments.GetValue(Model)!,
        Settings(arguments.GetValue(Set) ?? []),
        new TrainingOptions
        {
            Batch = arguments.GetValue(Batch),
            LearningRate = arguments.GetValue(LearningRate),
            Epochs = arguments.GetValue(Epochs),
            Seed = arguments.GetValue(DatasetArguments.Seed),
            Threads = arguments.GetValue(Threads),
            Device = arguments.GetValue(Device)!,
        },
        DatasetArguments.List(arguments.GetValue(Slice)));

    private static Dictionary<string, string> Settings(string[] pairs)
    {
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var pair in pairs)
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || !settings.TryAdd(pair[..equals].Trim(), pair[(equals + 1)..]))
            {
                throw new InputException($"--set {pair} is no key=value or names a key twice; write it as --set embedding=8.");
            }
        }

        return settings;
    }

    private static void Print(Invocation call, ModelDescription model, string folder)
    {
        var document = new
        {
            model.Model,
            model.Seed,
            model.Rows,
            Tasks = model.Test,
            Epochs = model.EpochsTrained,
            model.BestEpoch,
            model.Seconds,
            model.SamplesPerSecond,
            model.Training.Device,
            model.Training.Threads,
            Artifact = folder,
        };
        call.Print(document, lines =>
        {
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{model.Model}: best of {model.EpochsTrained} epochs is {model.BestEpoch}; on {model.Rows.Test:N0} test rows"));
            foreach (var task in model.Test)
            {
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"  {task.Name,-24} AUC {Text(task.Auc)}  log loss {task.LogLoss:F5}  predicted/observed {Text(task.Calibration)}  ECE {task.Ece:F5}  {task.Positives:N0} positives"));
            }

            lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{model.Seconds:F1} s, {model.SamplesPerSecond:N0} samples/s on {model.Training.Threads} threads; saved in {folder}"));
        });
    }

    private static string Text(double? value) => value is { } number ? number.ToString("F4", CultureInfo.InvariantCulture) : "none";
}
