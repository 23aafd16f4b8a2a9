using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Testing;

/// <summary>
/// A migrated database of its own for one test class (as IClassFixture) or one test: copied from a template that is migrated once
/// a schema. Tests use the app role, as the product does, so a missing right is a red test.
/// </summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private const string AppRole = "pimm_test_app";
    private const string AppPassword = "pimm_test_app";
    private const long TemplateLock = 0x54455354;

    private readonly string server;

    static TestDatabase() => DapperTypes.Register();

    /// <summary>For IClassFixture, which wants a constructor.</summary>
    public TestDatabase() : this(TestCluster.ConnectionString, Task.Run(() => CreateDatabaseAsync(TestCluster.ConnectionString, migrated: true)).GetAwaiter().GetResult()) { }

    private TestDatabase(string server, string name)
    {
        (this.server, Name) = (server, name);
        OwnerConnectionString = new NpgsqlConnectionStringBuilder(server) { Database = name, Pooling = true }.ConnectionString;
        ConnectionString = new NpgsqlConnectionStringBuilder(OwnerConnectionString) { Username = AppRole, Password = AppPassword }.ConnectionString;
        Options = new DatabaseOptions { ConnectionString = ConnectionString, OwnerConnectionString = OwnerConnectionString, MaxPoolSize = 30 };
        DataSource = DataSources.ForApp(Options);
        Owner = DataSources.ForOwner(Options);
    }

    /// <summary>Without any table: for tests of the migrator itself.</summary>
    public static async Task<TestDatabase> EmptyAsync() => new(TestCluster.ConnectionString, await CreateDatabaseAsync(TestCluster.ConnectionString, migrated: false));

    /// <param name="cluster">null: the one that all tests share</param>
    public static async Task<TestDatabase> MigratedAsync(PrivateCluster? cluster = null)
    {
        var server = cluster?.ConnectionString ?? TestCluster.ConnectionString;
        return new(server, await CreateDatabaseAsync(server, migrated: true));
    }

    /// <summary>Another database with the same rows. Whoever is connected to this one is disconnected.</summary>
    public async Task<TestDatabase> CopyAsync()
    {
        DataSource.Clear();
        Owner.Clear();
        var name = NewName();
        await using var admin = new NpgsqlConnection(Connect(server, "postgres").ConnectionString);
        await admin.OpenAsync();
        await admin.ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where datname = @Name", new { Name });
        await admin.ExecuteAsync($"create database {name} template {Name}");
        return new(server, name);
    }

    public string Name { get; }

    /// <summary>Of the app role: rows, no DDL.</summary>
    public string ConnectionString { get; }

    public string OwnerConnectionString { get; }

    public DatabaseOptions Options { get; }

    public NpgsqlDataSource DataSource { get; }

    public NpgsqlDataSource Owner { get; }

    /// <summary>What a Pimm process of this test is started with.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["Database__ConnectionString"] = ConnectionString,
        ["Database__OwnerConnectionString"] = OwnerConnectionString,
        ["Auditing__HeadFile"] = ""
    };

    private static string NewName() => $"pimm_test_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";

    private static async Task<string> CreateDatabaseAsync(string server, bool migrated)
    {
        var name = NewName();
        await using var admin = new NpgsqlConnection(Connect(server, "postgres").ConnectionString);
        await admin.OpenAsync();
        // One at a time: PostgreSQL copies no template while somebody else is connected to it or copies it.
        await admin.ExecuteAsync("select pg_advisory_lock(@TemplateLock)", new { TemplateLock });
        await EnsureAppRoleAsync(admin);
        var template = migrated ? await EnsureTemplateAsync(server, admin) : "template0";
        await admin.ExecuteAsync($"create database {name} template {template}");
        return name;
    }

    private static async Task EnsureAppRoleAsync(NpgsqlConnection admin)
    {
        if (!await admin.ExecuteScalarAsync<bool>("select exists (select from pg_roles where rolname = @AppRole)", new { AppRole }))
            await admin.ExecuteAsync($"create role {AppRole} login password '{AppPassword}'");
    }

    private static async Task<string> EnsureTemplateAsync(string server, NpgsqlConnection admin)
    {
        var schema = string.Concat(MigrationFile.ReadFolder(Migrator.DefaultFolder).Select(file => file.Name + file.Sha256));
        var template = string.Create(CultureInfo.InvariantCulture, $"pimm_template_{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(schema)))[..16]}");
        if (await admin.ExecuteScalarAsync<bool>("select exists (select from pg_database where datname = @template)", new { template }))
            return template;

        var unfinished = template + "_new";
        await admin.ExecuteAsync($"drop database if exists {unfinished}");
        await admin.ExecuteAsync($"create database {unfinished} template template0");
        await using (var source = NpgsqlDataSource.Create(Connect(server, unfinished)))
            await Migrator.RunAsync(source, Migrator.DefaultFolder, AppRole, CancellationToken.None);
        await admin.ExecuteAsync($"alter database {unfinished} rename to {template}");
        return template;
    }

    private static NpgsqlConnectionStringBuilder Connect(string server, string database) => new(server) { Database = database, Pooling = false };

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        await Owner.DisposeAsync();
        await using var admin = new NpgsqlConnection(Connect(server, "postgres").ConnectionString);
        await admin.OpenAsync();
        await admin.ExecuteAsync($"drop database {Name} with (force)");
    }
}
