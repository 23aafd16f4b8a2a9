using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Notifying;
using Pimm.Core.Retaining;
using Pimm.Core.Safekeeping;

namespace Pimm.Web.Settings;

/// <summary>A setting that somebody has set.</summary>
/// <param name="Name">as Section:Name</param>
/// <param name="Value">a secret is masked</param>
/// <param name="Source">the file, or the environment variable, that has the last word</param>
public sealed record SetValue(string Name, string Value, string Source);

/// <summary>How long something is kept.</summary>
/// <param name="What">English, a key of the words</param>
public sealed record RetentionClock(string What, int Number, string Unit, string Setting);

/// <summary>What is set in this process, and where it comes from.</summary>
public sealed class SettingsRoom(IConfiguration configuration, IOptions<RetentionOptions> retention, IOptions<NotifyingOptions> notifying, IOptions<BackupOptions> backup)
{
    private const string Hidden = "•••";

    private static readonly string[] Sections =
    [
        "Access", "AllowedHosts", "Api", "Approval", "Auditing", "Backup", "Database", "Disk", "Exporting", "Importing", "Kestrel", "Logging", "Notifying", "Outcomes",
        "Promoting", "Queueing", "Retention", "Scheduling", "Scoring", "Training", "Urls",
    ];

    private static readonly string[] Secrets = ["password", "secret", "token", "apikey", "privatekey"];

    public IReadOnlyList<SetValue> Set() =>
    [
        .. configuration.AsEnumerable()
            .Where(setting => setting.Value is { Length: > 0 } && Sections.Contains(setting.Key.Split(':')[0], StringComparer.OrdinalIgnoreCase))
            .OrderBy(setting => setting.Key, StringComparer.OrdinalIgnoreCase)
            .Select(setting => new SetValue(setting.Key, Shown(setting.Key, setting.Value!), SourceOf(setting.Key))),
    ];

    public IReadOnlyList<RetentionClock> Clocks() =>
    [
        new("Lines of finished runs", retention.Value.RunLogDays, "days", "Retention:RunLogDays"),
        new("Finished runs that nothing points to", retention.Value.RunDays, "days", "Retention:RunDays"),
        new("What failed runs left half done", retention.Value.UnfinishedDays, "days", "Retention:UnfinishedDays"),
        new("Files of audience lists", retention.Value.ExportFileDays, "days", "Retention:ExportFileDays"),
        new("Text of bad rows", retention.Value.BadRowDays, "days", "Retention:BadRowDays"),
        new("Outcome files that were taken or refused", retention.Value.InboxFileDays, "days", "Retention:InboxFileDays"),
        new("Versions of a model that keep their weights", retention.Value.ModelVersions, "versions", "Retention:ModelVersions"),
        new("Folders of trainings that have ended", retention.Value.TrainingFolderHours, "hours", "Retention:TrainingFolderHours"),
        new("Notices to webhooks", notifying.Value.KeepDays, "days", "Notifying:KeepDays"),
        new("Backups", backup.Value.Keep, "copies", "Backup:Keep"),
    ];

    private string SourceOf(string key) => configuration is not IConfigurationRoot root ? "" :
        root.Providers.LastOrDefault(provider => provider.TryGet(key, out _)) switch
        {
            JsonConfigurationProvider file => file.Source.Path ?? "file",
            EnvironmentVariablesConfigurationProvider => key.Replace(":", "__", StringComparison.Ordinal),
            null => "",
            _ => "command line",
        };

    internal static string Shown(string key, string value)
    {
        if (key.EndsWith("ConnectionString", StringComparison.OrdinalIgnoreCase))
        {
            return WithoutPassword(value);
        }
        return Secrets.Any(secret => key.Contains(secret, StringComparison.OrdinalIgnoreCase)) ? Hidden : value;
    }

    private static string WithoutPassword(string text)
    {
        try
        {
            var connection = new NpgsqlConnectionStringBuilder(text);
            return $"Host={connection.Host};Port={connection.Port};Database={connection.Database};Username={connection.Username};Password={Hidden}";
        }
        catch (ArgumentException)
        {
            return Hidden;
        }
    }
}
