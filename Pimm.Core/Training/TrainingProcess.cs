using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Pimm.Core.Queueing;

namespace Pimm.Core.Training;

/// <summary>Runs a training in a child process, passes on what it tells, and says what it died of.</summary>
public sealed class TrainingProcess(IOptions<TrainingProcessOptions> options, IOptions<QueueingOptions> queueing, TrainModel trainModel)
{
    /// <summary>The line on the child's stdin that asks it for a checkpoint at its next batch and for its end.</summary>
    public const string EndWithCheckpoint = "end with a checkpoint";

    /// <summary>What the child ends with when it was asked to end.</summary>
    public const int AskedToEnd = 130;

    private const int KeptErrorLines = 20;
    private static readonly TimeSpan SignalPatience = TimeSpan.FromSeconds(5);

    public TrainingProcessOptions Options { get; } = Validated(options.Value);

    /// <param name="request">file that the child reads what to do from</param>
    /// <param name="handsOver">asked when the token is cancelled: whether another worker goes on, so that a checkpoint is wanted</param>
    /// <exception cref="InputException">the child refused its rows or settings, or the loss stopped being a number</exception>
    /// <exception cref="TrainingOutOfMemoryException">memory ran out</exception>
    /// <exception cref="InvalidOperationException">the child died; the message says how and with which last words</exception>
    public Task<TrainedModel> RunAsync(
        RowsTraining training, string request, Action<TrainingNews> tell, Func<bool> handsOver, CancellationToken cancellationToken) =>
        Options.Executable.Length == 0 ? RunHereAsync(training, tell, handsOver, cancellationToken) : RunChildAsync(training, request, tell, handsOver, cancellationToken);

    private async Task<TrainedModel> RunHereAsync(RowsTraining training, Action<TrainingNews> tell, Func<bool> handsOver, CancellationToken cancellationToken)
    {
        using var stop = new TrainingStop();
        await using var stopping = cancellationToken.Register(() => (handsOver() ? (Action)stop.WithCheckpoint : stop.AtOnce)());
        try
        {
            return await Task.Run(() => new TrainRows(trainModel).Run(training, tell, stop), CancellationToken.None);
        }
        catch (Exception failure) when (TrainingDeath.IsOutOfMemory(failure))
        {
            throw new TrainingOutOfMemoryException($"The training ran out of memory: {failure.Message}", failure);
        }
    }

    private async Task<TrainedModel> RunChildAsync(
        RowsTraining training, string request, Action<TrainingNews> tell, Func<bool> handsOver, CancellationToken cancellationToken)
    {
        await File.WriteAllTextAsync(request, JsonSerializer.Serialize(training, JsonSerializerOptions.Web), cancellationToken);
        using var child = new Process
        {
            StartInfo = new(Options.Executable, ["train-rows", request]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true },
        };
        ProcessorShare.Start(child, Options.Priority);
        var lastWords = new Queue<string>();
        child.ErrorDataReceived += (_, line) => Keep(lastWords, line.Data);
        child.BeginErrorReadLine();
        var stopped = Task.CompletedTask;
        await using (cancellationToken.Register(() => stopped = StopAsync(child, handsOver())))
        {
            while (await child.StandardOutput.ReadLineAsync(CancellationToken.None) is { } line)
            {
                if (TrainingNews.FromJson(line) is { } news)
                {
                    tell(news);
                }
            }

            await child.WaitForExitAsync(CancellationToken.None);
            // A terminal's Ctrl-C reaches the child as well, and may reach it first.
            if (child.ExitCode == AskedToEnd && !cancellationToken.IsCancellationRequested)
            {
                await Task.Delay(SignalPatience, cancellationToken);
            }
        }

        await stopped;
        cancellationToken.ThrowIfCancellationRequested();
        return child.ExitCode switch
        {
            0 => TrainedModel.Load(training.Out),
            2 => throw new InputException(string.Join('\n', lastWords).Trim()),
            var exitCode => throw TrainingDeath.Of(exitCode, string.Join('\n', lastWords)),
        };
    }

    /// <summary>Asks, waits, kills.</summary>
    private async Task StopAsync(Process child, bool withCheckpoint)
    {
        try
        {
            if (withCheckpoint)
            {
                await child.StandardInput.WriteLineAsync(EndWithCheckpoint);
                await child.StandardInput.FlushAsync(CancellationToken.None);
            }
            else
            {
                child.StandardInput.Close();
            }
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException)
        {
            // It has ended by itself.
        }

        using var patience = new CancellationTokenSource(withCheckpoint ? queueing.Value.StopPatience : Options.CancelPatience);
        try
        {
            await child.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            child.Kill(entireProcessTree: true);
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

    private static TrainingProcessOptions Validated(TrainingProcessOptions options)
    {
        options.Validate();
        return options;
    }
}
