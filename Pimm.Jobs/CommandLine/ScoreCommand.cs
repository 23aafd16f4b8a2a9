using System.CommandLine;
using System.Globalization;
using Pimm.Core;
using Pimm.Core.Importing;
using Pimm.Core.Training;

namespace Pimm.Jobs.CommandLine;

/// <summary>Scores a file with a trained model's folder, without a database.</summary>
public static class ScoreCommand
{
    private static readonly Option<string?> Model = new("--model") { Description = "the folder that pimm train wrote" };
    private static readonly Option<string?> Data = new("--data") { Description = "a CSV file, plain or gzip, with the model's features" };
    private static readonly Option<long?> Campaign = new("--campaign") { Description = "score every customer of a stored campaign with both its models instead" };
    private static readonly Option<string?> Out = new("--out") { Description = "the CSV file of scores; by default stdout" };
    private static readonly Option<string?> Delimiter = new("--delimiter") { Description = "one character; by default found" };
    private static readonly Option<bool> Calibrated = new("--calibrated") { Description = "put the probabilities right with the calibrators fitted after training" };
    private static readonly Option<int?> Threads = new("--threads") { Description = "threads that compute; by default one a core" };

    public static Command Create() =>
        new Command("score", "gives every row of a file its probabilities: row,TASK,TASK …") { Campaign, Model, Data, Out, Delimiter, Calibrated, Threads, Invocation.JsonOption }
            .Does((call, cancellationToken) => call.Arguments.GetValue(Campaign) is { } campaign
                ? CampaignStageCommands.ScoreAsync(FileOnly(call), campaign, cancellationToken)
                : Task.FromResult(Run(call, cancellationToken)));

    private static Invocation FileOnly(Invocation call) => call.Arguments.GetValue(Calibrated)
        ? throw new InputException("--calibrated is for a file; a campaign ranks its customers, and a calibrator keeps their order: leave it out.")
        : call;

    private static int Run(Invocation call, CancellationToken cancellationToken)
    {
        var (arguments, clock) = (call.Arguments, TimeProvider.System);
        var threads = arguments.GetValue(Threads) ?? Environment.ProcessorCount;
        if (threads is < 1 or > 1024)
        {
            throw new InputException($"The number of threads {threads} is out of bounds; it must be 1 to 1,024.");
        }

        if (arguments.GetValue(Model) is not { } folder || arguments.GetValue(Data) is not { } data)
        {
            throw new InputException("Say what to score: --model DIR with --data FILE, or --campaign ID.");
        }

        using var predictor = Predictor.Load(folder, threads);
        var calibrators = arguments.GetValue(Calibrated) ? predictor.Model.Description.FittedCalibrators() : null;
        foreach (var task in (calibrators ?? []).Where(task => task.Calibrator is null))
        {
            call.Error.WriteLine($"{task.Name} keeps the network's own probabilities: {task.Note}.");
        }

        using var file = DelimitedReader.Open(data, DatasetArguments.CharacterOf(arguments.GetValue(Delimiter)));
        var started = clock.GetTimestamp();
        var (rows, tasks) = Write(call, predictor, calibrators, file, cancellationToken);
        var seconds = clock.GetElapsedTime(started).TotalSeconds;

        if (call.Json)
        {
            call.Print(new { Model = folder, Rows = rows, Tasks = tasks, Seconds = seconds, RowsPerSecond = rows / seconds, Out = arguments.GetValue(Out) }, _ => { });
        }
        else
        {
            call.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rows:N0} rows in {seconds:F1} s, {rows / seconds:N0} rows/s"));
        }

        return ExitCode.Done;
    }

    private static (long Rows, IReadOnlyList<ScoreSummary> Tasks) Write(
        Invocation call, Predictor predictor, IReadOnlyList<TaskCalibrator>? calibrators, DelimitedReader file, CancellationToken cancellationToken)
    {
        var names = predictor.Model.Description.ScoreNames();
        if (call.Arguments.GetValue(Out) is { } path)
        {
            return ToFile(path, predictor, calibrators, file, cancellationToken);
        }

        if (call.Json)
        {
            return FileScoring.Run(predictor, file, (_, _) => { }, cancellationToken, calibrators);
        }

        call.Output.WriteLine($"row,{string.Join(',', names)}");
        return FileScoring.Run(
            predictor,
            file,
            (row, probabilities) => call.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{row},{string.Join(',', probabilities.Select(value => value.ToString("R", CultureInfo.InvariantCulture)))}")),
            cancellationToken,
            calibrators);
    }

    private static (long Rows, IReadOnlyList<ScoreSummary> Tasks) ToFile(
        string path, Predictor predictor, IReadOnlyList<TaskCalibrator>? calibrators, DelimitedReader file, CancellationToken cancellationToken)
    {
        using var writer = new DelimitedWriter(path);
        writer.Write("row"u8);
        foreach (var name in predictor.Model.Description.ScoreNames())
        {
            writer.Write(name);
        }

        writer.EndRow();
        var result = FileScoring.Run(predictor, file, (row, probabilities) => WriteRow(writer, row, probabilities), cancellationToken, calibrators);
        writer.Complete();
        return result;
    }

    private static void WriteRow(DelimitedWriter writer, long row, float[] probabilities)
    {
        Span<char> text = stackalloc char[32];
        row.TryFormat(text, out var length, default, CultureInfo.InvariantCulture);
        writer.Write(text[..length]);
        foreach (var probability in probabilities)
        {
            probability.TryFormat(text, out length, "R", CultureInfo.InvariantCulture);
            writer.Write(text[..length]);
        }

        writer.EndRow();
    }
}
