using System.Globalization;
using Pimm.Core.Queueing;
using Pimm.Core.Safetensors;

namespace Pimm.Core.Exporting;

/// <summary>The files of one list on their way: under names of this attempt's own until all are on the disk, since one that was given up may still be writing its.</summary>
internal sealed class ListFiles(string folder, JobExecution run) : IDisposable
{
    private readonly Dictionary<string, string?> names = [];

    public string Folder { get; } = Directory.CreateDirectory(folder).FullName;

    /// <summary>A file whose name is not known yet.</summary>
    public string Temporary(string name)
    {
        var path = Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"{name}.{run.RunId}-{run.Fence}.tmp"));
        names.Add(path, null);
        return path;
    }

    public void Keep(string temporary, string name) => names[temporary] = name;

    public string Add(string name)
    {
        var path = Temporary(name);
        Keep(path, name);
        return path;
    }

    public async Task PublishAsync(CancellationToken cancellationToken)
    {
        await run.ConfirmLeaseAsync(cancellationToken);
        foreach (var (temporary, name) in names.Where(file => file.Value is not null))
        {
            DurableFile.Rename(temporary, Path.Combine(Folder, name!));
            FaultPoint.Reach("export.renamed");
        }
        foreach (var temporary in names.Keys)
            RemoveLeftovers(Path.GetFileName(temporary)[..^string.Create(CultureInfo.InvariantCulture, $"{run.Fence}.tmp").Length]);
    }

    // Of earlier attempts of this run. Another run may be writing its own; what is left of runs that died for good is retention's.
    private void RemoveLeftovers(string prefix)
    {
        foreach (var leftover in Directory.EnumerateFiles(Folder, $"{prefix}*.tmp"))
        {
            if (long.TryParse(Path.GetFileNameWithoutExtension(leftover)[prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var of) && of < run.Fence)
                File.Delete(leftover);
        }
    }

    public void Dispose()
    {
        foreach (var temporary in names.Keys)
            File.Delete(temporary);
    }
}
