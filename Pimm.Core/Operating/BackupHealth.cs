using System.Globalization;
using Microsoft.Extensions.Options;
using Pimm.Core.Safekeeping;

namespace Pimm.Core.Operating;

/// <summary>How much would be lost today.</summary>
public sealed class BackupHealth(BackupStore backups, IOptions<BackupOptions> options, TimeProvider time)
{
    public async Task<HealthFinding> LookAsync(CancellationToken cancellationToken)
    {
        options.Value.Validate();
        if (await backups.NewestAsync(cancellationToken) is not { } newest)
            return HealthFinding.Warning("backup", "none was ever taken: ./pimm backup takes one, and a timer of the system every night.");
        // On another machine the folder above is not there either.
        if (Directory.Exists(Path.GetDirectoryName(newest.Folder)) && !File.Exists(Path.Combine(newest.Folder, BackupManifest.FileName)))
            return HealthFinding.Warning("backup", $"the newest was in {newest.Folder} and is gone: take one with ./pimm backup.");
        var age = time.GetUtcNow() - newest.SnapshotAt;
        var note = string.Create(CultureInfo.InvariantCulture, $"the newest is {age.TotalHours:0.0} h old, in {newest.Folder}");
        return age.TotalHours <= options.Value.MaxAgeHours
            ? HealthFinding.Ok("backup", note)
            : HealthFinding.Warning("backup", $"{note}, and at most {options.Value.MaxAgeHours} h are wanted: take one with ./pimm backup.");
    }
}
