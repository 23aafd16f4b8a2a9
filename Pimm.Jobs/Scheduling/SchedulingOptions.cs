using Pimm.Core;

namespace Pimm.Jobs.Scheduling;

/// <summary>Settings section <c>Scheduling</c>: how a worker takes part in firing schedules. The same for every worker of a database.</summary>
public sealed class SchedulingOptions
{
    /// <summary>Whether <c>pimm work</c> fires schedules. Default true; <c>--no-schedule</c> is false.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Always true: schedulers that share tables and do not know of each other fire everything twice. Default true.</summary>
    public bool Clustered { get; set; } = true;

    /// <summary>This worker's name among the schedulers. Default: machine, process and the second of its start.</summary>
    public string InstanceId { get; set; } = "";

    /// <summary>Between two signs of life. Default 7.5 s, 0.5 s to 1 min.</summary>
    public TimeSpan Checkin { get; set; } = TimeSpan.FromSeconds(7.5);

    /// <summary>
    /// Silence after a missed sign of life until others take a worker's firings over. Default 60 s, 1 s to 1 h: longer than the
    /// database's worst pause. Runs do not wait for it, they have leases.
    /// </summary>
    public TimeSpan CheckinMisfire { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>A firing later than this counts as missed, and the next one is for the latest date. Default 60 s, 1 s to 1 h.</summary>
    public TimeSpan MisfireThreshold { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Between two looks for changed schedules that no notification told of. Default 10 s, 0.1 s to 1 h.</summary>
    public TimeSpan Reconcile { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Between two looks for triggers that other workers stored. Default 15 s, 1 s to 1 min.</summary>
    public TimeSpan IdleWait { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>A schedule may not fire more often. Default 5 min, 1 s to 1 day.</summary>
    public TimeSpan MinimumInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Connections of the scheduler, in a pool of its own. Default 4, 3 to 8. One process may hold Database:MaxPoolSize + 4 (leases)
    /// + this many; over all processes that must stay below the server's max_connections less 10.
    /// </summary>
    public int MaxPoolSize { get; set; } = 4;

    /// <exception cref="InputException">a setting is out of its range</exception>
    public SchedulingOptions Validated()
    {
        if (!Clustered)
            throw new InputException("The setting Scheduling:Clustered is false: workers share one schedule and must know of each other. Leave the setting out, or start with --no-schedule.");
        Within(nameof(Checkin), Checkin, 0.5, 60);
        Within(nameof(CheckinMisfire), CheckinMisfire, 1, 3600);
        Within(nameof(MisfireThreshold), MisfireThreshold, 1, 3600);
        Within(nameof(Reconcile), Reconcile, 0.1, 3600);
        Within(nameof(IdleWait), IdleWait, 1, 60);
        Within(nameof(MinimumInterval), MinimumInterval, 1, 86_400);
        if (MaxPoolSize is < 3 or > 8)
            throw new InputException($"The setting Scheduling:MaxPoolSize is {MaxPoolSize}: it must be between 3 and 8.");
        return this;
    }

    private static void Within(string name, TimeSpan value, double least, double most)
    {
        if (value < TimeSpan.FromSeconds(least) || value > TimeSpan.FromSeconds(most))
            throw new InputException($"The setting Scheduling:{name} is {value}: it must be between {TimeSpan.FromSeconds(least)} and {TimeSpan.FromSeconds(most)}.");
    }
}
