using System.CommandLine;
using Pimm.Core;
using Pimm.Core.Comparing;
using Pimm.Core.Training;

namespace Pimm.Jobs.CommandLine;

/// <summary>Compares models on a file the way the papers do: same rows, same feature map, several splits and seeds.</summary>
public static class CompareCommand
{
    private const long MemoryOfATraining = 1L << 30;

    private static readonly Option<string> Models = new("--models")
    {
        Description = "two or more, joined by commas; the first is tested against every other one; with settings: pimm:premise=false:towers=64/32",
        DefaultValueFactory = _ => "pimm,shared-bottom,esmm,mmoe,ple,aitm,mncm",
    };

    private static readonly Option<int> Splits = new("--splits")
    {
        Description = $"random splits of the rows; ‡ needs {ComparisonRequest.SplitsForAClaim}", DefaultValueFactory = _ => 1,
    };

    private static readonly Option<int> Seeds = new("--seeds") { Description = "trainings of each model on each split", DefaultValueFactory = _ => 5 };
    private static readonly Option<bool> SweepRates = new("--sweep-lr")
    {
        Description = $"choose each model's learning rate from {string.Join(", ", ComparisonRequest.PaperRates)} on validation rows",
    };

    private static readonly Option<string?> Report = new("--report") { Description = "write a page about the comparison, Markdown with figures in a folder beside it" };
    private static readonly Option<string?> Out = new("--out")
    {
        Description = "the folder that keeps every training's result, so that a comparison cut off goes on; by default comparisons/NAME-OF-THE-FILE",
    };

    public static Command Create()
    {
        var command = new Command("compare", "trains several models on the same splits of a file and compares them on rows none has seen");
        DatasetArguments.AddTo(command);
        TrainingArguments.AddTo(command);
        foreach (var option in new Option[] { Models, Splits, Seeds, SweepRates, Report, Out, Invocation.JsonOption })
        {
            command.Options.Add(option);
        }

        return command.Does(RunAsync);
    }

    private static async Task<int> RunAsync(Invocation call, CancellationToken cancellationToken)
    {
        var request = RequestOf(call.Arguments);
        if (call.Arguments.GetValue(Report) is { } page)
        {
            ModelCard.RefuseUnwritable(page);
        }

        using var processes = new CellProcesses(Program(Path.Combine(Path.GetFullPath(request.Folder), "cells")));
        var display = new CompareDisplay(call.Error);
        var comparison = new RunComparison(request, processes.RunAsync, display.Show);
        var result = await comparison.RunAsync(display.Packed, cancellationToken);
        if (call.Arguments.GetValue(Report) is { } report)
        {
            ComparisonReport.Write(result, report);
        }

        call.Print(result, lines => lines.Write(ComparisonTable.Text(result)));
        return ExitCode.Done;
    }

    private static ComparisonRequest RequestOf(ParseResult arguments)
    {
        var settings = TrainingArguments.Settings(arguments);
        var models = ComparedModel.ParseAll(arguments.GetValue(Models)!, settings);
        var data = DatasetArguments.Options(arguments);
        var name = Path.GetFileName(data.Data).Split('.')[0];
        var training = TrainingArguments.Options(arguments, data.Seed);
        // Trainings side by side use cores better than the threads of one: networks of this size wait for each other at every layer.
        // Each is a process with libtorch and its rows in memory; a GPU serves one at a time.
        var fitting = (int)Math.Max(1, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / MemoryOfATraining);
        var lanes = training.Device.StartsWith("cuda", StringComparison.Ordinal) ? 1 : Math.Min(training.Threads ?? Environment.ProcessorCount, fitting);
        return new ComparisonRequest
        {
            Data = data,
            Models = models,
            Splits = arguments.GetValue(Splits),
            Seeds = arguments.GetValue(Seeds),
            Rates = arguments.GetValue(SweepRates) ? ComparisonRequest.PaperRates : [],
            Training = training with { Threads = 1 },
            Lanes = lanes,
            Folder = arguments.GetValue(Out) ?? Path.Combine("comparisons", name),
        }.Validated();
    }

    /// <summary>This program again, with the verb of its children.</summary>
    private static string[] Program(string folder)
    {
        var beside = Path.Combine(AppContext.BaseDirectory, "Pimm.Jobs");
        return [File.Exists(beside) ? beside : Environment.ProcessPath ?? beside, TrainCellsCommand.Verb, folder];
    }
}
