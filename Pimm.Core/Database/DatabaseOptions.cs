using Npgsql;

namespace Pimm.Core.Database;

/// <summary>Settings section <c>Database</c>: how the product reaches PostgreSQL 15 or later.</summary>
public sealed class DatabaseOptions
{
    /// <summary>Connection string of the app role: reads and writes rows, no DDL. No default; <c>./pimm up</c> sets it.</summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>Connection string of the owner role, used by migrations, backup and restore. Default: the app role's.</summary>
    public string OwnerConnectionString { get; set; } = "";

    /// <summary>
    /// Connections one worker or verb may hold for its work. Default 15, 1 to 200. With those of its heartbeats (4) and its
    /// scheduler (4), times the workers, plus those of the web, it stays 10 below the server's max_connections: by default one web
    /// process and two workers hold 25 + 2 × 23 = 71 of 100. doctor does the sum.
    /// </summary>
    public int MaxPoolSize { get; set; } = 15;

    /// <summary>Connections one web process may hold. Default 25, 1 to 200.</summary>
    public int WebPoolSize { get; set; } = 25;

    /// <summary>Seconds to wait for a connection before giving up. Default 5, 1 to 300.</summary>
    public int ConnectTimeoutSeconds { get; set; } = 5;

    /// <summary>Seconds one statement of a worker or verb may take, a COPY excepted. Default 900, 1 to 86,400.</summary>
    public int CommandTimeoutSeconds { get; set; } = 900;

    /// <summary>Seconds one statement of a page may take. Default 5, 1 to 86,400.</summary>
    public int PageTimeoutSeconds { get; set; } = 5;

    /// <summary>Seconds a statement waits for a row or table lock. Default 3, 1 to 3,600.</summary>
    public int LockTimeoutSeconds { get; set; } = 3;

    /// <summary>Seconds a transaction may idle between two statements before the server ends it. Default 60, 1 to 86,400.</summary>
    public int IdleInTransactionSeconds { get; set; } = 60;

    /// <summary>Seconds of silence after which a connection is probed. Default 30, 1 to 3,600.</summary>
    public int KeepAliveSeconds { get; set; } = 30;

    /// <exception cref="InputException">a setting is missing or out of its range</exception>
    public void Validate()
    {
        if (string.IsNullOrWhiteSpace(ConnectionString))
            throw new InputException("No database is set: start one with ./pimm up, or set Database__ConnectionString to a PostgreSQL connection string.");
        Within(nameof(MaxPoolSize), MaxPoolSize, 200);
        Within(nameof(WebPoolSize), WebPoolSize, 200);
        Within(nameof(PageTimeoutSeconds), PageTimeoutSeconds, 86_400);
        Within(nameof(ConnectTimeoutSeconds), ConnectTimeoutSeconds, 300);
        Within(nameof(CommandTimeoutSeconds), CommandTimeoutSeconds, 86_400);
        Within(nameof(LockTimeoutSeconds), LockTimeoutSeconds, 3_600);
        Within(nameof(IdleInTransactionSeconds), IdleInTransactionSeconds, 86_400);
        Within(nameof(KeepAliveSeconds), KeepAliveSeconds, 3_600);
    }

    /// <summary>The role that the app connects as; migrations grant it its rights.</summary>
    public string AppRole => Parse(ConnectionString, "Database:ConnectionString").Username ?? "";

    /// <summary>What one worker may hold: its work's, its heartbeats', its scheduler's.</summary>
    public int ConnectionsOfWorker => (workersPool ?? MaxPoolSize) + LeasePoolSize(WorkerSlots) + SchedulerPoolSize;

    /// <summary>For the web host: its own pool, and statements that nobody waits for longer than for a page.</summary>
    public void UseForPages() => (workersPool, MaxPoolSize, CommandTimeoutSeconds) = (MaxPoolSize, WebPoolSize, PageTimeoutSeconds);

    /// <summary>Two connections listen for notifications all the time; the rest serves the slots' heartbeats, the sweep and presence.</summary>
    internal static int LeasePoolSize(int slots) => 4 + (slots / 4);

    /// <summary>As Queueing:Slots says.</summary>
    internal int WorkerSlots { get; set; } = 1;

    /// <summary>As Scheduling:MaxPoolSize says.</summary>
    internal int SchedulerPoolSize { get; set; } = 4;

    // In the web host MaxPoolSize is no worker's any more.
    private int? workersPool;

    internal static NpgsqlConnectionStringBuilder Parse(string connectionString, string setting)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (ArgumentException e)
        {
            throw new InputException($"The setting {setting} is not a PostgreSQL connection string ({e.Message}): write it as Host=…;Port=…;Database=…;Username=…;Password=….", e);
        }
    }

    private static void Within(string name, int value, int most)
    {
        if (value < 1 || value > most)
            throw new InputException($"The setting Database:{name} is {value}: it must be between 1 and {most}.");
    }
}
