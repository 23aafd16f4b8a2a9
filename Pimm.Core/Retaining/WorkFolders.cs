namespace Pimm.Core.Retaining;

/// <summary>The folders that an installation writes to, as absolute paths.</summary>
/// <param name="Exports">audience lists</param>
/// <param name="Training">a folder a training run</param>
/// <param name="Inbox">outcome files that wait; empty: none is set</param>
/// <param name="Backups">backups</param>
public sealed record WorkFolders(string Exports, string Training, string Inbox, string Backups)
{
    /// <summary>By name, those that are set.</summary>
    public IEnumerable<(string Name, string Path)> All =>
        new[] { ("exports", Exports), ("training", Training), ("inbox", Inbox), ("backups", Backups) }.Where(folder => folder.Item2.Length > 0);
}
