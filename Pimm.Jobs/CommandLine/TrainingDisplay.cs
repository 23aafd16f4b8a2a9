using System.Globalization;
using Pimm.Core.Training;
using Spectre.Console;

namespace Pimm.Jobs.CommandLine;

/// <summary>
/// Shows a training run on stderr: one bar that is redrawn where a person looks, one line an epoch where the output is piped.
/// The bar fits 80 columns; its + says that the last epoch and the time left grow while epochs get better.
/// </summary>
internal sealed class TrainingDisplay : IDisposable
{
    private const int BarWidth = 24;
    private static readonly TimeSpan BetweenRedraws = TimeSpan.FromMilliseconds(200);

    private readonly TextWriter lines;
    private readonly IAnsiConsole? terminal;
    private long? drawn;

    private TrainingDisplay(TextWriter lines, IAnsiConsole? terminal) => (this.lines, this.terminal) = (lines, terminal);

    public static TrainingDisplay For(Invocation call)
    {
        var terminal = call.Error == Console.Error && !Console.IsErrorRedirected
            ? AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) })
            : null;
        return new(call.Error, terminal);
    }

    public void Show(TrainingProgress progress)
    {
        if (progress.Note is { } note)
        {
            Clear();
            lines.WriteLine(note);
        }
        else if (progress.Finished is { } epoch)
        {
            Clear();
            lines.WriteLine(Line(epoch, progress));
        }
        else if (terminal is not null && (drawn is null || TimeProvider.System.GetElapsedTime(drawn.Value) > BetweenRedraws))
        {
            drawn = TimeProvider.System.GetTimestamp();
            Draw(terminal, progress);
        }
    }

    public void Dispose() => Clear();

    private static void Draw(IAnsiConsole terminal, TrainingProgress progress)
    {
        var share = progress.Samples / (double)Math.Max(progress.SamplesInEpoch, 1);
        var full = (int)Math.Round(share * BarWidth);
        terminal.Markup(string.Create(CultureInfo.InvariantCulture,
            $"\r[blue]{new string('━', full)}[/][grey]{new string('━', BarWidth - full)}[/] epoch {progress.Epoch} of {progress.LastEpoch}+  {progress.SamplesPerSecond:N0} samples/s  {progress.Remaining:mm\\:ss}+ left "));
    }

    private void Clear()
    {
        if (terminal is not null && drawn is not null)
        {
            terminal.Write(new ControlCode("\r\u001b[2K"));
            drawn = null;
        }
    }

    private static string Line(EpochMetrics epoch, TrainingProgress progress)
    {
        var tasks = string.Join("  ", epoch.Validation.Select(task =>
            string.Create(CultureInfo.InvariantCulture, $"{task.Name} {(task.Auc is { } auc ? auc.ToString("F4", CultureInfo.InvariantCulture) : "none")}")));
        var premise = epoch.PremiseProbability is { } p ? string.Create(CultureInfo.InvariantCulture, $"p {p:F2}  ") : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"epoch {epoch.Epoch,3}  {premise}loss {epoch.TrainingLoss:F5}  validation {epoch.ValidationLogLoss:F5}  AUC {tasks}  {progress.SamplesPerSecond:N0} samples/s");
    }
}
