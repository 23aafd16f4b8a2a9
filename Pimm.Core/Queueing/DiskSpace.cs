using Microsoft.Extensions.Options;

namespace Pimm.Core.Queueing;

/// <summary>Settings section <c>Disk</c>: when a disk counts as full. Full, workers take no run that writes there; they go on by themselves.</summary>
public sealed class DiskOptions
{
    /// <summary>Free share of a disk below which no run that writes there is taken. Default 0.02, 0 to 0.5.</summary>
    public double MinimumFreeShare { get; set; } = 0.02;

    /// <summary>Free megabytes below which no run that writes there is taken. Default 200, 0 to 1,000,000.</summary>
    public int MinimumFreeMegabytes { get; set; } = 200;

    /// <summary>Folder on the disk that the database writes to, where that is a disk of this machine. Default empty: another machine's.</summary>
    public string DatabaseFolder { get; set; } = "";

    /// <summary>Free share below which doctor and health warn. Default 0.1, 0 to 1.</summary>
    public double WarnFreeShare { get; set; } = 0.1;

    /// <exception cref="InputException">a setting is out of its range</exception>
    public void Validate()
    {
        if (!(MinimumFreeShare is >= 0 and <= 0.5))
            throw new InputException($"The setting Disk:MinimumFreeShare is {MinimumFreeShare}: it must be between 0 and 0.5.");
        if (MinimumFreeMegabytes is < 0 or > 1_000_000)
            throw new InputException($"The setting Disk:MinimumFreeMegabytes is {MinimumFreeMegabytes}: it must be between 0 and 1000000.");
        if (!(WarnFreeShare is >= 0 and <= 1))
            throw new InputException($"The setting Disk:WarnFreeShare is {WarnFreeShare}: it must be between 0 and 1.");
    }
}

/// <summary>Room on the disk that a folder lies on.</summary>
/// <param name="Folder">the folder, or the nearest one above it that exists</param>
public sealed record FreeSpace(string Folder, long FreeBytes, long TotalBytes)
{
    public double Share => TotalBytes == 0 ? 1 : (double)FreeBytes / TotalBytes;
}

/// <summary>Looks whether there is room for what a run writes.</summary>
public sealed class DiskSpace(IOptions<DiskOptions> options)
{
    private const long Megabyte = 1_000_000;

    public DiskOptions Options => options.Value;

    /// <summary>Of the disk that the folder lies on, or will lie on.</summary>
    public static FreeSpace Of(string folder)
    {
        var path = Path.GetFullPath(folder);
        while (!Directory.Exists(path) && Path.GetDirectoryName(path) is { } parent)
            path = parent;
        var disk = new DriveInfo(path);
        return new FreeSpace(path, disk.AvailableFreeSpace, disk.TotalSize);
    }

    /// <summary>The folders whose disks runs of a kind fill.</summary>
    /// <param name="writesTo">as the job says; may be null</param>
    public IEnumerable<string> FilledBy(string kind, string? writesTo) =>
        new[] { writesTo ?? "", FillsDatabase(kind) ? options.Value.DatabaseFolder : "" }.Where(folder => folder.Length > 0);

    // What writes many rows. Retention must go on: it makes room.
    private static bool FillsDatabase(string kind) => kind is "import" or "outcomes" or "collect" or "score" or "score-shard" or "train";

    /// <summary>Null when there is room, else what to do.</summary>
    public string? Lack(string folder)
    {
        var space = Of(folder);
        return space.FreeBytes < options.Value.MinimumFreeMegabytes * Megabyte || space.Share < options.Value.MinimumFreeShare
            ? FormattableString.Invariant($"The disk of {folder} has {space.FreeBytes / Megabyte:N0} MB free ({space.Share:P1}), and at least {options.Value.MinimumFreeMegabytes} MB and {options.Value.MinimumFreeShare:P1} are wanted: make room there.")
            : null;
    }
}
