using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Auditing;
using Pimm.Core.Database;
using Pimm.Core.Exporting;
using Pimm.Core.Safekeeping;
using Pimm.Testing;

namespace Pimm.Database.Tests.Safekeeping;

/// <summary>One installation as backup and restore see it: a database, a folder of lists, a folder of backups.</summary>
internal sealed class BackupWorld : IAsyncDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("pimm-backup-");

    private readonly bool owned;

    /// <param name="owned">the database goes with this world</param>
    public BackupWorld(TestDatabase database, bool owned = true)
    {
        this.owned = owned;
        Database = database;
        Backups = new BackupOptions { Folder = Path.Combine(folder.FullName, "backups") };
        Lists = Path.Combine(folder.FullName, "exports");
        var (databaseOptions, backupOptions) = (Options.Create(database.Options), Options.Create(Backups));
        var (tools, files) = (new PostgresTools(backupOptions), new ExportFiles(Options.Create(new ExportingOptions { Folder = Lists })));
        Writer = new BackupWriter(databaseOptions, backupOptions, tools, files, TimeProvider.System);
        Audit = new AuditVerifier(new AuditLog(database.DataSource), Options.Create(new AuditingOptions { HeadFile = Path.Combine(folder.FullName, "audit-head.ndjson") }), TimeProvider.System);
        Restorer = new BackupRestorer(databaseOptions, tools, files, Audit, TimeProvider.System);
    }

    public TestDatabase Database { get; }

    public BackupOptions Backups { get; }

    public string Lists { get; }

    public BackupWriter Writer { get; }

    public BackupRestorer Restorer { get; }

    public AuditVerifier Audit { get; }

    public Task<WrittenBackup> BackUpAsync(string? target = null) => Writer.WriteAsync(new BackupRequest(target), _ => { }, default);

    public Task<RestoreReport> RestoreAsync(string backup, bool force = false) =>
        Restorer.RestoreAsync(new RestoreRequest(backup, force), _ => { }, default);

    public async Task<T> ScalarAsync<T>(string sql, string? database = null)
    {
        await using var connection = await OpenAsync(database);
        return (await connection.ExecuteScalarAsync<T>(sql))!;
    }

    /// <summary>Somebody else's connection, after a statement.</summary>
    public async Task<NpgsqlConnection> HoldAsync(string sql, string? database = null)
    {
        var connection = await OpenAsync(database);
        await connection.ExecuteAsync(sql);
        return connection;
    }

    private async Task<NpgsqlConnection> OpenAsync(string? database)
    {
        var settings = new NpgsqlConnectionStringBuilder(Database.OwnerConnectionString) { Pooling = false };
        settings.Database = database ?? settings.Database;
        var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>The pools of this process would otherwise keep the database in use.</summary>
    public void LetGo()
    {
        Database.DataSource.Clear();
        Database.Owner.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        LetGo();
        if (owned)
            await Database.DisposeAsync();
        folder.Delete(recursive: true);
    }
}
