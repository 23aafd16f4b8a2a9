using System.CommandLine;
using System.Globalization;
using Pimm.Core.Safekeeping;

namespace Pimm.Jobs.CommandLine;

public static class BackupCommand
{
    public static Command Create()
    {
        var folder = new Argument<string?>("folder") { Description = "a folder that does not exist yet (default: one named by the time, in Backup:Folder)", Arity = ArgumentArity.ZeroOrOne };
        return new Command("backup", "database and audience lists into a folder, with counts and hashes, while everything goes on") { folder, Invocation.JsonOption }
            .Does(async (call, cancellationToken) =>
            {
                var backup = await call.Service<BackupWriter>().WriteAsync(new BackupRequest(call.Arguments.GetValue(folder)), call.Error.WriteLine, cancellationToken);
                call.Print(Document(backup), lines => Show(backup, lines));
                return ExitCode.Done;
            });
    }

    private static object Document(WrittenBackup backup) => new
    {
        backup.Folder, backup.Seconds, backup.Manifest.SnapshotAt, Tables = backup.Manifest.Tables.Count, backup.Manifest.Rows, Files = backup.Manifest.Files.Count,
        backup.Manifest.Bytes, backup.Manifest.MissingExports, backup.Removed,
    };

    internal static void Show(WrittenBackup backup, TextWriter lines)
    {
        var manifest = backup.Manifest;
        lines.WriteLine($"Backup {backup.Folder}");
        lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{manifest.Rows:N0} rows in {manifest.Tables.Count} tables as of {manifest.SnapshotAt:yyyy-MM-dd HH:mm:ss} UTC, {manifest.Files.Count - 1} audience lists, {manifest.Bytes / 1e6:N1} MB, {backup.Seconds:N1} s"));
        foreach (var name in manifest.MissingExports)
            lines.WriteLine($"The database knows the list {name}, which is not in the folder as it was written.");
        foreach (var old in backup.Removed)
            lines.WriteLine($"Removed the older backup {old}");
    }
}
