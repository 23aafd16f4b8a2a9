namespace Pimm.Core.Retaining;

/// <summary>The folders that an installation writes to, as absolute paths.</summary>
/// <param name="Exports">audience lists</param>
/// <param name="Training">a folder a training run</param>
/// <param name="Inbox">outcome files that wait</param>
/// <param name="Backups">backups</param>
public sealed record WorkFolders(string Exports, string Training, string Inbox, string Backups)
{
    /// <summary>By name.</summary>
    public IEnumerable<(string Name, string Path)> All => [("exports", Exports), ("training", Training), ("inbox", Inbox), ("backups", Backups)];
}
