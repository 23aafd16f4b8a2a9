using System.Globalization;
using Pimm.Core.Importing;

namespace Pimm.Jobs.CommandLine;

/// <summary>Shows a conversion on stderr: one line that is redrawn where a person looks, a line every ten seconds where it is piped.</summary>
internal sealed class ConversionDisplay : IDisposable
{
    private readonly TextWriter lines;
    private readonly bool terminal;
    private long shown = TimeProvider.System.GetTimestamp();
    private bool drawn;

    private ConversionDisplay(TextWriter lines, bool terminal) => (this.lines, this.terminal) = (lines, terminal);

    public static ConversionDisplay For(Invocation call) => new(call.Error, call.Error == Console.Error && !Console.IsErrorRedirected);

    public void Show(ConversionProgress progress)
    {
        if (TimeProvider.System.GetElapsedTime(shown) < (terminal ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromSeconds(10)))
            return;
        shown = TimeProvider.System.GetTimestamp();
        var text = string.Create(CultureInfo.InvariantCulture,
            $"{progress.Step}: {progress.Share:P0} read, {progress.Rows:N0} rows, {progress.RowsPerSecond:N0} rows/s");
        drawn = terminal;
        if (terminal)
            lines.Write($"\r\u001b[2K{text}");
        else
            lines.WriteLine(text);
    }

    public void Dispose()
    {
        if (drawn)
            lines.Write("\r\u001b[2K");
    }
}
