using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Pimm.Core.Training;

namespace Pimm.Core.Comparing;

/// <summary>What a child says of a cell, one JSON line.</summary>
/// <param name="Refused">a sentence about input that cannot be used; null where the cell's result is written</param>
/// <param name="Diverged">whether it was the loss that stopped being a number</param>
public sealed record CellAnswer(string? Refused, bool Diverged = false)
{
    public string ToJson() => JsonSerializer.Serialize(this, JsonSerializerOptions.Web);

    public static CellAnswer? FromJson(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<CellAnswer>(line, JsonSerializerOptions.Web);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>
/// Children that train cells, as many as are wanted at the same time: libtorch's generator and thread count belong to a process, so
/// trainings side by side need one each. A child reads a cell a line on its stdin and ends when that ends.
/// </summary>
/// <param name="program">the program and its arguments</param>
public sealed class CellProcesses(IReadOnlyList<string> program) : IDisposable
{
    private readonly ConcurrentBag<Process> _idle = [];

    /// <exception cref="InputException">The child refused the cell.</exception>
    /// <exception cref="InvalidOperationException">The child died.</exception>
    public async Task RunAsync(TrainingCell cell, CancellationToken cancellationToken)
    {
        var child = _idle.TryTake(out var waiting) ? waiting : Start();
        await using var killing = cancellationToken.Register(() => Kill(child));
        try
        {
            await child.StandardInput.WriteLineAsync(cell.ToJson());
            await child.StandardInput.FlushAsync(CancellationToken.None);
            while (await child.StandardOutput.ReadLineAsync(CancellationToken.None) is { } line)
            {
                var answer = CellAnswer.FromJson(line);
                if (answer is null)
                {
                    continue;
                }

                _idle.Add(child);
                if (answer.Refused is { } sentence)
                {
                    throw answer.Diverged ? new TrainingDivergedException(sentence) : new InputException(sentence);
                }

                return;
            }
        }
        catch (IOException)
        {
            // It died while it was written to; what follows says how.
        }

        await child.WaitForExitAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();
        throw new InvalidOperationException(
            $"The training of {cell.Model} on split {cell.SplitNumber}, seed {cell.Options.Seed}, ended with exit code {child.ExitCode}{(child.ExitCode == 137 ? ": it was killed, most likely because memory ran out: choose a smaller --threads, fewer trainings then run at a time" : "")}. Start the same comparison again: it goes on where it stopped.");
    }

    public void Dispose()
    {
        foreach (var child in _idle)
        {
            Kill(child);
            child.Dispose();
        }
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(program[0], program.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true };
        return Process.Start(start) ?? throw new InvalidOperationException($"{program[0]} could not be started.");
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
