using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.Options;
using Pimm.Core;
using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using Pimm.Core.Training;

namespace Pimm.Jobs.CommandLine;

/// <summary>Trains a model straight on a file, without a database.</summary>
public static class TrainCommand
{
    private static readonly Option<string> Model = new("--model") { Description = string.Join(", ", NetworkCatalog.Names), DefaultValueFactory = _ => "pimm" };
    private static readonly Option<string?> Report = new("--report") { Description = "write a page about the model, FILE.md, with its JSON and charts beside it" };
    private static readonly Option<string?> Slice = new("--slice") { Description = "columns by whose values the test metrics are split; by default up to three" };
    private static readonly Option<long?> Campaign = new("--campaign") { Description = "train both lines of a stored campaign on its audience's history instead of a file" };
    private static readonly Option<bool> AcceptChange = new("--accept-change") { Description = "with --campaign: train although label rates or attributes have changed, and take them for what comes from now on" };
    private static readonly Option<string?> Out = new("--out") { Description = "the folder the model is written to; by default models/MODEL-SEED" };

    private static readonly Option<bool> Resume = new("--resume") { Description = "go on from the last checkpoint in OUT/checkpoints: the same weights as if it had never stopped" };

    public static Command Create()
    {
        var command = new Command("train", "trains a model on a file (splits, encodes, trains, tests once, saves), or the lines of a campaign");
        DatasetArguments.AddTo(command);
        TrainingArguments.AddTo(command);
        foreach (var option in new Option[] { Campaign, AcceptChange, Model, Report, Slice, Out, Resume, Invocation.JsonOption })
        {
            command.Options.Add(option);
        }

        return command.Does((call, cancellationToken) => call.Arguments.GetValue(Campaign) is { } campaign
            ? CampaignStageCommands.TrainAsync(call, campaign, call.Arguments.GetValue(DatasetArguments.Seed), call.Arguments.GetValue(AcceptChange), cancellationToken)
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
        var model = Train(call, request, data, TrainedModel.CheckpointsOf(folder), cancellationToken);
        model.Save(folder);
        if (arguments.GetValue(Report) is { } report)
        {
            ModelCard.Write(model, Path.GetFileName(arguments.GetValue(DatasetArguments.Data)!), report);
        }

        Print(call, model.Description, folder);
        return ExitCode.Done;
    }

    private static TrainedModel Train(Invocation call, TrainingRequest request, Snapshot data, string checkpoints, CancellationToken cancellationToken)
    {
        using var display = TrainingDisplay.For(call);
        using var stop = new TrainingStop();
        var plan = PlanOf(call, checkpoints, call.Arguments.GetValue(Resume));
        stop.Begin(plan);
        using var interrupted = cancellationToken.Register(stop.WithCheckpoint);
        try
        {
            return new TrainModel(TimeProvider.System).Run(request, data, plan, display.Show, stop.Token);
        }
        catch (OperationCanceledException) when (plan.Folder.NewestFirst().Count > 0)
        {
            display.Dispose();
            call.Error.WriteLine($"The last checkpoint is in {checkpoints}: the same command with --resume goes on from it.");
            throw;
        }
    }

    private static CheckpointPlan PlanOf(Invocation call, string folder, bool resume)
    {
        var settings = call.Service<IOptions<TrainingProcessOptions>>().Value;
        settings.Validate();
        return new CheckpointPlan(new CheckpointFolder(folder, CheckpointFolder.LastFence(folder) + 1), settings.CheckpointInterval)
        {
            Resume = resume, RefuseOther = true, Resumed = call.Error.WriteLine, Chosen = call.Error.WriteLine, Unusable = call.Error.WriteLine,
        };
    }

    private static TrainingRequest RequestOf(ParseResult arguments) => new(
        arguments.GetValue(Model)!,
        TrainingArguments.Settings(arguments),
        TrainingArguments.Options(arguments, arguments.GetValue(DatasetArguments.Seed)),
        DatasetArguments.List(arguments.GetValue(Slice)));

    private static void Print(Invocation call, ModelDescription model, string folder)
    {
        var document = new
        {
            model.Model,
            model.Seed,
            model.Rows,
            Tasks = model.Test,
            Amount = model.AmountTest,
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

            if (model.AmountTest is { } amount)
            {
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"  {model.ScoreNames()[^1],-24} RMSE {amount.Rmse:G5} (training mean {amount.RmseOfMean:G5})  MAE {amount.Mae:G5} ({amount.MaeOfMean:G5})  mean {amount.PredictedMean:G5} of {amount.Mean:G5}  Spearman {Text(amount.Spearman)}"));
            }

            lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{model.Seconds:F1} s, {model.SamplesPerSecond:N0} samples/s on {model.Training.Threads} threads; saved in {folder}"));
        });
    }

    private static string Text(double? value) => value is { } number ? number.ToString("F4", CultureInfo.InvariantCulture) : "none";
}
