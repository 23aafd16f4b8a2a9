using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Core.Queueing;

/// <summary>
/// What a worker keeps its runs with: a small pool that no long statement can starve, the statements, and the intervals.
/// </summary>
public sealed class WorkerLeases : IAsyncDisposable, IDisposable
{
    public WorkerLeases(IOptions<DatabaseOptions> database, IOptions<QueueingOptions> queueing, ILogger<WorkerLeases>? logger = null, DiskSpace? disk = null)
    {
        queueing.Value.Validate();
        Options = queueing.Value;
        Connections = DataSources.ForLeases(database.Value, Options.Slots);
        Store = new LeaseStore(Connections);
        Clock = new NodeClock(Options, logger);
        disk?.Options.Validate();
        Disk = disk;
    }

    /// <summary>What this process is called in the list of workers, and as the owner of runs.</summary>
    public static string ProcessName { get; } = string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}/{Environment.ProcessId}");

    public QueueingOptions Options { get; }

    public NodeClock Clock { get; }

    /// <summary>Null: nobody looks whether there is room.</summary>
    public DiskSpace? Disk { get; }

    public NpgsqlDataSource Connections { get; }

    public LeaseStore Store { get; }

    public ValueTask DisposeAsync() => Connections.DisposeAsync();

    public void Dispose() => Connections.Dispose();
}
