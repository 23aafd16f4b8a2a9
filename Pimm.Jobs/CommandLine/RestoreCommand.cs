using System.CommandLine;
using System.Globalization;
using Pimm.Core.Safekeeping;

namespace Pimm.Jobs.CommandLine;

public static class RestoreCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("folder") { Description = "a folder that pimm backup has written" };
        var force = new Option<bool>("--force") { Description = "the database holds something: keep it under another name and take its place" };
        return new Command("restore", "puts a backup back, checked row for row, with all schedules switched off") { folder, force, Invocation.JsonOption }
            .Does(async (call, cancellationToken) =>
            {
                var report = await call.Service<BackupRestorer>().RestoreAsync(
                    new RestoreRequest(call.Arguments.GetRequiredValue(folder), call.Arguments.GetValue(force)), call.Error.WriteLine, cancellationToken);
                call.Print(report, lines => Show(report, lines));
                return ExitCode.Done;
            });
    }

    private static void Show(RestoreReport report, TextWriter lines)
    {
        lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Restored {report.Rows:N0} rows in {report.Tables} tables; counts and checksums are those of the backup."));
        lines.WriteLine($"Indexes: {report.Indexes}.");
        if (report.KeptAs is not null)
            lines.WriteLine($"The database from before is kept as {report.KeptAs}: drop it when nobody misses anything.");
        lines.WriteLine($"Audience lists: {report.ListsWritten} written, {report.Lists.Missing.Count} missing, {report.Lists.Orphans.Count} unknown to the database.");
        foreach (var name in report.Lists.Missing)
            lines.WriteLine($"  missing  {name}");
        foreach (var name in report.Lists.Orphans)
            lines.WriteLine($"  unknown  {name}");
        foreach (var name in report.PutAside)
            lines.WriteLine($"  had other contents, kept as {name}");
        if (report.Migrated.Count > 0)
            lines.WriteLine($"Brought up to date by {report.Migrated.Count} migrations.");
        lines.WriteLine($"Switched off: {report.Rested.DisabledSchedules} schedules, {report.Rested.PausedTriggers} triggers, {report.Rested.DisabledWebhooks} webhooks; {report.Rested.OpenRuns} open runs go on when a worker starts.");
        lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Recovery point: {report.SnapshotAt:yyyy-MM-dd HH:mm:ss} UTC, {TimeSpan.FromSeconds(report.RecoveryPointSeconds):d\\.hh\\:mm\\:ss} before the restore. Recovery time: {report.RecoverySeconds:N1} s."));
    }
}
