using System.CommandLine;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Auditing;
using Pimm.Core.Database;
using Pimm.Core.Safekeeping;

namespace Pimm.Jobs.CommandLine;

public static class MigrateCommand
{
    public static Command Create()
    {
        var without = new Option<bool>("--no-backup") { Description = "change a database that is in use without a backup of it first" };
        return new Command("migrate", "brings the database up to date, after a backup where it is in use, and grants the app its rights; needs Database__OwnerConnectionString") { without, Invocation.JsonOption }
            .Does(async (call, cancellationToken) =>
            {
                var options = call.Service<IOptions<DatabaseOptions>>().Value;
                await using var owner = DataSources.ForOwner(options);
                WrittenBackup? backup = null;
                var report = await Migrator.RunAsync(owner, Migrator.DefaultFolder, options.AppRole, cancellationToken, async () =>
                    backup = call.Arguments.GetValue(without) ? null : await BackUpAsync(call, owner, cancellationToken));
                if (report.Applied.Count > 0)
                    await WriteEntryAsync(owner, report, backup, cancellationToken);
                call.Print(new { report.Applied, report.Known, Backup = backup?.Folder }, lines =>
                {
                    if (backup is not null)
                        BackupCommand.Show(backup, lines);
                    foreach (var name in report.Applied)
                        lines.WriteLine($"applied {name}");
                    lines.WriteLine($"The database is up to date: {report.Known} migrations, {report.Applied.Count} applied now.");
                });
                return ExitCode.Done;
            });
    }

    private static async Task WriteEntryAsync(NpgsqlDataSource owner, MigrationReport report, WrittenBackup? backup, CancellationToken cancellationToken)
    {
        await using var connection = await owner.OpenConnectionAsync(cancellationToken);
        await AuditLog.AddAsync(connection, new AuditEntry(
            AuditActor.CommandLine, "database.migrate", "database", connection.Database, After: new { report.Applied, Pimm = PimmCore.Version, Backup = backup?.Folder }));
    }

    /// <summary>Nobody wants to find out after an upgrade that there is no way back. Of several machines that upgrade at once one gets here.</summary>
    private static async Task<WrittenBackup?> BackUpAsync(Invocation call, NpgsqlDataSource owner, CancellationToken cancellationToken)
    {
        if (!await DatabaseUse.IsUsedAsync(owner, cancellationToken))
            return null;
        try
        {
            return await call.Service<BackupWriter>().WriteAsync(new BackupRequest(Prefix: "before-upgrade"), call.Error.WriteLine, cancellationToken);
        }
        catch (Exception e) when (e is InputException or InvalidOperationException)
        {
            throw new InputException($"No backup could be taken before the upgrade, so nothing was changed. {e.Message} With a backup of your own, add --no-backup.", e);
        }
    }
}
