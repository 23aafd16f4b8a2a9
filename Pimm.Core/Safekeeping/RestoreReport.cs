namespace Pimm.Core.Safekeeping;

/// <summary>A restore that is wanted.</summary>
/// <param name="Force">the database has something in it: it is kept under another name</param>
public sealed record RestoreRequest(string Folder, bool Force);

/// <summary>What was put to rest in the restored database, so that nothing of the past starts by itself.</summary>
/// <param name="OpenRuns">queued or running at the snapshot; a worker goes on with them</param>
/// <param name="DisabledWebhooks">until somebody enables them again</param>
public sealed record RestedSchedules(int PausedTriggers, int DisabledSchedules, int OpenRuns, int DisabledWebhooks);

/// <summary>What a restore did.</summary>
/// <param name="KeptAs">name that the database from before has now; null: there was nothing in it, or no database</param>
/// <param name="Tables">tables that were compared with the manifest, and are equal</param>
/// <param name="Indexes">what amcheck said of the indexes and tables</param>
/// <param name="PutAside">lists that had the same name and other contents, under their new names</param>
/// <param name="Migrated">migrations applied since, because the backup is of an older version</param>
/// <param name="RecoveryPointSeconds">from the snapshot to the start of the restore: what happened then is not in the backup</param>
/// <param name="RecoverySeconds">from the start of the restore to a database that can be used</param>
public sealed record RestoreReport(
    string Database, string? KeptAs, int Tables, long Rows, string Indexes, int ListsWritten, IReadOnlyList<string> PutAside, ExportFileReport Lists,
    IReadOnlyList<string> Migrated, RestedSchedules Rested, DateTimeOffset SnapshotAt, double RecoveryPointSeconds, double RecoverySeconds);
