namespace Pimm.Core.Importing;

/// <summary>How far a conversion is.</summary>
/// <param name="Step">what it does now</param>
/// <param name="Rows">raw rows that this step has read</param>
/// <param name="Share">of the step's file, 0 … 1</param>
/// <param name="RowsPerSecond">of this step</param>
public sealed record ConversionProgress(string Step, long Rows, double Share, double RowsPerSecond);

/// <summary>Tells a caller now and then how far one file after another is read, and stops when asked to.</summary>
internal sealed class ConversionPace(TimeProvider clock, Action<ConversionProgress> show, CancellationToken cancellation)
{
    private const int RowsBetween = 1 << 12;
    private readonly long _started = clock.GetTimestamp();
    private long _stepStarted = clock.GetTimestamp();
    private string _step = "";

    public double Seconds => clock.GetElapsedTime(_started).TotalSeconds;

    public void Begin(string step) => (_step, _stepStarted) = (step, clock.GetTimestamp());

    public void Report(RawRows file)
    {
        if (file.Rows % RowsBetween == 0)
        {
            cancellation.ThrowIfCancellationRequested();
            show(new ConversionProgress(_step, file.Rows, file.ShareRead, file.Rows / clock.GetElapsedTime(_stepStarted).TotalSeconds));
        }
    }
}

/// <summary>The files of a conversion as a whole.</summary>
internal static class ConvertedFiles
{
    /// <param name="read">paths that must differ from all that are written</param>
    /// <param name="written">paths, null for those that are not wanted</param>
    /// <exception cref="InputException">a file that would be written twice or over one that is read, or into a folder that is not there</exception>
    public static void Check(string[] read, string?[] written)
    {
        var taken = read.Select(Path.GetFullPath).ToHashSet(StringComparer.Ordinal);
        foreach (var path in written.OfType<string>())
        {
            var full = Path.GetFullPath(path);
            if (!taken.Add(full))
            {
                throw new InputException($"'{path}' is named twice; give every file a name of its own.");
            }

            if (!Directory.Exists(Path.GetDirectoryName(full)))
            {
                throw new InputException($"There is no folder for '{path}'; make it or give another path.");
            }
        }
    }
}
