using Npgsql;

namespace Pimm.Core.Database;

/// <summary>Builds a pool of connections with the product's time-outs. One pool a purpose, so that one cannot starve another.</summary>
public static class DataSources
{
    private const int ClientPatienceSeconds = 5;

    // After KeepAliveSeconds of silence: the server gives a machine up that is not there any more within half a minute.
    private const int SecondsBetweenProbes = 10;
    private const int Probes = 3;

    public static NpgsqlDataSource ForApp(DatabaseOptions options) =>
        Create(options, options.ConnectionString, "pimm", options.MaxPoolSize, options.CommandTimeoutSeconds);

    /// <summary>Short statements that must not wait behind long ones: heartbeats, claims, notifications.</summary>
    /// <param name="slots">runs at once, each with heartbeats of its own</param>
    public static NpgsqlDataSource ForLeases(DatabaseOptions options, int slots = 1) =>
        Create(options, options.ConnectionString, "pimm leases", DatabaseOptions.LeasePoolSize(slots), 5);

    /// <summary>The scheduler of one process, which holds rows locked only for a moment.</summary>
    public static NpgsqlDataSource ForSchedules(DatabaseOptions options, int poolSize) =>
        Create(options, options.ConnectionString, "pimm schedules", poolSize, 10);

    /// <summary>Migrations, backups: the owner role, and no pool that outlives them.</summary>
    public static NpgsqlDataSource ForOwner(DatabaseOptions options) => Create(options, OwnerConnectionString(options), "pimm owner", 2, 0);

    /// <summary>The owner's connection string, or the app's where the app owns the tables.</summary>
    public static string OwnerConnectionString(DatabaseOptions options) =>
        string.IsNullOrWhiteSpace(options.OwnerConnectionString) ? options.ConnectionString : options.OwnerConnectionString;

    private static NpgsqlDataSource Create(DatabaseOptions options, string connectionString, string name, int poolSize, int commandTimeout)
    {
        options.Validate();
        var settings = DatabaseOptions.Parse(connectionString, "Database:ConnectionString");
        settings.ApplicationName = name;
        settings.MaxPoolSize = poolSize;
        settings.Timeout = options.ConnectTimeoutSeconds;
        // The server ends a statement first, and says why.
        settings.CommandTimeout = commandTimeout == 0 ? 0 : commandTimeout + ClientPatienceSeconds;
        settings.KeepAlive = options.KeepAliveSeconds;
        // A COPY of millions of rows comes in an eighth of the calls that the usual buffer needs.
        settings.ReadBufferSize = 65_536;
        settings.Options =
            $"-c statement_timeout={commandTimeout}s -c lock_timeout={options.LockTimeoutSeconds}s -c idle_in_transaction_session_timeout={options.IdleInTransactionSeconds}s"
            + $" -c tcp_keepalives_idle={options.KeepAliveSeconds} -c tcp_keepalives_interval={SecondsBetweenProbes} -c tcp_keepalives_count={Probes} -c TimeZone=UTC {settings.Options}".TrimEnd();
        return new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
    }
}
