using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Pimm.Core.Training;

/// <summary>Settings section <c>Training</c>: where the worker trains.</summary>
public sealed class TrainingProcessOptions
{
    /// <summary>
    /// The program that trains in a process of its own (its verb <c>train-rows</c>), so that a native crash or an out-of-memory
    /// kill ends a run and never the worker. Empty, the default outside the worker: train in this process.
    /// </summary>
    public string Executable { get; set; } = "";

    /// <summary>Threads that compute; unset, the default: as many as the machine has cores.</summary>
    public int? Threads { get; set; }

    /// <summary><c>cpu</c> (the default) or <c>cuda:N</c>.</summary>
    public string Device { get; set; } = "cpu";
}

/// <summary>Runs a training in a child process and passes on what it tells.</summary>
public sealed class TrainingProcess(IOptions<TrainingProcessOptions> options, TrainModel trainModel)
{
    private const int KeptErrorLines = 20;

    public TrainingProcessOptions Options => options.Value;

    /// <exception cref="InputException">the child refused its rows or settings</exception>
    /// <exception cref="InvalidOperationException">the child died; the message says how and with which last words</exception>
    public async Task<TrainedModel> RunAsync(RowsTraining training, Action<RowsTrainingProgress> report, CancellationToken cancellationToken)
    {
        if (Options.Executable.Length == 0)
        {
            return await Task.Run(() => new TrainRows(trainModel).Run(training, report, cancellationToken), cancellationToken);
        }

        var request = training.Out + ".request.json";
        await File.WriteAllTextAsync(request, JsonSerializer.Serialize(training, JsonSerializerOptions.Web), cancellationToken);
        using var child = Process.Start(new ProcessStartInfo(Options.Executable, ["train-rows", request])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        }) ?? throw new InvalidOperationException($"{Options.Executable} could not be started.");
        var lastWords = new Queue<string>();
        child.ErrorDataReceived += (_, line) => Keep(lastWords, line.Data);
        child.BeginErrorReadLine();
        await using var killing = cancellationToken.Register(() => Kill(child));
        while (await child.StandardOutput.ReadLineAsync(CancellationToken.None) is { } line)
        {
            if (RowsTrainingProgress.FromJson(line) is { } progress)
            {
                report(progress);
            }
        }
        await child.WaitForExitAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();
        Judge(child.ExitCode, string.Join('\n', lastWords));
        return TrainedModel.Load(training.Out);
    }

    private static void Judge(int exitCode, string lastWords)
    {
        switch (exitCode)
        {
            case 0:
                return;
            case 2:
                throw new InputException(lastWords.Trim());
            case 137:
                throw new InvalidOperationException($"The training was killed, most likely because memory ran out: give the worker more, or make the batch smaller. {lastWords}");
            default:
                throw new InvalidOperationException($"The training's process ended with exit code {exitCode}. {lastWords}");
        }
    }

    private static void Keep(Queue<string> lines, string? line)
    {
        if (line is null)
        {
            return;
        }
        lines.Enqueue(line);
        if (lines.Count > KeptErrorLines)
        {
            lines.Dequeue();
        }
    }

    private static void Kill(Process child)
    {
        try
        {
            child.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It had ended by itself.
        }
    }
}
