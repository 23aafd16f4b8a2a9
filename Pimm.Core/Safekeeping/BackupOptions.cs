namespace Pimm.Core.Safekeeping;

/// <summary>Settings section <c>Backup</c>: where backups are kept, and how many.</summary>
public sealed class BackupOptions
{
    /// <summary>Folder of the backups, each a folder of its own. Default "backups" below the working folder.</summary>
    public string Folder { get; set; } = "backups";

    /// <summary>Backups kept in <see cref="Folder"/>; the oldest go first. Default 7, 1 to 10,000.</summary>
    public int Keep { get; set; } = 7;

    /// <summary>Folder of pg_dump and pg_restore. Default empty: where Debian puts those of the server's major version, then PATH.</summary>
    public string Binaries { get; set; } = "";

    /// <summary>Hours after which the newest backup counts as too old. Default 26 (a nightly one and its time), 1 to 8,784.</summary>
    public int MaxAgeHours { get; set; } = 26;

    /// <exception cref="InputException">a setting is out of its range</exception>
    public void Validate()
    {
        if (Keep is < 1 or > 10_000)
            throw new InputException($"The setting Backup:Keep is {Keep}: it must be between 1 and 10000.");
        if (MaxAgeHours is < 1 or > 8_784)
            throw new InputException($"The setting Backup:MaxAgeHours is {MaxAgeHours}: it must be between 1 and 8784.");
        if (string.IsNullOrWhiteSpace(Folder))
            throw new InputException("The setting Backup:Folder is empty: name the folder that backups are kept in.");
    }
}
