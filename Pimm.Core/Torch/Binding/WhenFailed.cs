using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace TorchSharp;

/// <summary>Words for a failure, put together only when there is one.</summary>
[InterpolatedStringHandler]
internal readonly struct WhenFailed
{
    private readonly StringBuilder? text;

    public WhenFailed(int literalLength, int formattedCount, int failed, out bool wanted)
    {
        wanted = failed != 0;
        text = wanted ? new StringBuilder(literalLength + (16 * formattedCount)) : null;
    }

    public void AppendLiteral(string words) => text?.Append(words);

    public void AppendFormatted<T>(T value) => text?.Append(CultureInfo.InvariantCulture, $"{value}");

    public override string ToString() => text?.ToString() ?? "";
}
