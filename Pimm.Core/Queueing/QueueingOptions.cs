namespace Pimm.Core.Queueing;

/// <summary>Settings section <c>Queueing</c>: how a worker takes runs and keeps them.</summary>
public sealed class QueueingOptions
{
    /// <summary>Runs at once in one process. Default 1 (a training uses every core), 1 to 64.</summary>
    public int Slots { get; set; } = 1;

    /// <summary>What this worker offers to runs that require it, for example <c>gpu</c>. Default: nothing.</summary>
    public string[] Capabilities { get; set; } = [];

    /// <summary>How long a worker may be silent before others take its run. Default 30 s, 1 s to 1 h.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Between two heartbeats. Default 5 s, at most a third of <see cref="Lease"/>.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Without an accepted heartbeat for so long a worker starts no effect. Default 25 s, below <see cref="Lease"/>.</summary>
    public TimeSpan SelfFence { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>After a start of the database nobody's lease counts as expired for so long. Default 45 s, 0 to 1 h.</summary>
    public TimeSpan RestartGrace { get; set; } = TimeSpan.FromSeconds(45);

    /// <summary>Between two looks for runs that no notification told of. Default 5 s, 0.05 s to 1 h.</summary>
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Between two sweeps for expired leases. Default 10 s, 0.1 s to 1 h.</summary>
    public TimeSpan Reap { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Wait before a failed attempt is tried again, times the square of its number. Default 5 s, 0 to 1 h.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a stopping worker waits for its runs before it hands them back unfinished. Default 20 s, 0 to 1 h.</summary>
    public TimeSpan StopPatience { get; set; } = TimeSpan.FromSeconds(20);

    /// <exception cref="InputException">a setting is out of its range</exception>
    public void Validate()
    {
        if (Slots is < 1 or > 64)
            throw new InputException($"The setting Queueing:Slots is {Slots}: it must be between 1 and 64.");
        Within(nameof(Lease), Lease, TimeSpan.FromSeconds(1));
        Within(nameof(Poll), Poll, TimeSpan.FromMilliseconds(50));
        Within(nameof(Reap), Reap, TimeSpan.FromMilliseconds(100));
        Within(nameof(Heartbeat), Heartbeat, TimeSpan.FromMilliseconds(50));
        Within(nameof(RestartGrace), RestartGrace, TimeSpan.Zero);
        Within(nameof(RetryDelay), RetryDelay, TimeSpan.Zero);
        Within(nameof(StopPatience), StopPatience, TimeSpan.Zero);
        if (Heartbeat > Lease / 3)
            throw new InputException($"The setting Queueing:Heartbeat is {Heartbeat}: it must be at most a third of the lease of {Lease}.");
        if (SelfFence <= Heartbeat || SelfFence >= Lease)
            throw new InputException($"The setting Queueing:SelfFence is {SelfFence}: it must lie between the heartbeat of {Heartbeat} and the lease of {Lease}.");
    }

    private static void Within(string name, TimeSpan value, TimeSpan least)
    {
        if (value < least || value > TimeSpan.FromHours(1))
            throw new InputException($"The setting Queueing:{name} is {value}: it must be between {least} and 01:00:00.");
    }
}
