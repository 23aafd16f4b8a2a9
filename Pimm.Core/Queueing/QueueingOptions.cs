namespace Pimm.Core.Queueing;

/// <summary>Settings section <c>Queueing</c>: how a worker takes runs and keeps them.</summary>
public sealed class QueueingOptions
{
    /// <summary>Runs at once in one process. Default 1 (a training uses every core), 1 to 64.</summary>
    public int Slots { get; set; } = 1;

    /// <summary>What this worker offers to runs that require it, for example <c>gpu</c>. Default: nothing.</summary>
    public string[] Capabilities { get; set; } = [];

    /// <summary>
    /// The only kinds of runs that this worker takes; <c>score</c> includes its parts, <c>score-…</c>. Default: none given, every kind.
    /// </summary>
    public string[] Kinds { get; set; } = [];

    /// <summary>Kinds of runs that this worker leaves to others. Default: none.</summary>
    public string[] NotKinds { get; set; } = [];

    /// <summary>
    /// What runs of a kind require of a worker, with commas between several: <c>Queueing:Requires:train = gpu</c>. Default: nothing.
    /// Whoever asks for a run writes it down with the run, so every process needs the same setting.
    /// </summary>
    public Dictionary<string, string> Requires { get; set; } = [];

    /// <summary>How long a worker may be silent before others take its run. Default 30 s, 1 s to 1 h.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Between two heartbeats. Default 5 s, at most a third of <see cref="Lease"/>.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Without an accepted heartbeat for so long a worker starts no effect. Default 25 s, below <see cref="Lease"/>.</summary>
    public TimeSpan SelfFence { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>
    /// After a start of the database, or an outage that this worker saw, nobody's lease counts as expired for so long. Default 45 s,
    /// 0 to 1 h.
    /// </summary>
    public TimeSpan RestartGrace { get; set; } = TimeSpan.FromSeconds(45);

    /// <summary>Between two looks for runs that no notification told of. Default 5 s, 0.05 s to 1 h.</summary>
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Between two sweeps for expired leases. Default 10 s, 0.1 s to 1 h.</summary>
    public TimeSpan Reap { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Wait before a failed attempt is tried again, times the square of its number. Default 5 s, 0 to 1 h.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a stopping worker waits for its runs before it hands them back unfinished. Default 20 s, 0 to 1 h.</summary>
    public TimeSpan StopPatience { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Between two words of a worker in the list of workers. Default 10 s, 0.1 s to 10 s.</summary>
    public TimeSpan Presence { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Between two comparisons of this machine's clock with the database's. Default 1 min, 0 to 1 h.</summary>
    public TimeSpan ClockCheck { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>A clock further off is warned of. Default 2 s, 0 to 1 h.</summary>
    public TimeSpan ClockWarning { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>A worker whose clock is further off takes no run. Default 5 s, 0 to 1 h.</summary>
    public TimeSpan ClockRefusal { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether this process fires schedules too; its host says so. Default false.</summary>
    public bool Schedules { get; set; }

    /// <summary>Of the kinds that a process knows, those it takes.</summary>
    /// <exception cref="InputException">a named kind is unknown, or none is left</exception>
    public string[] KindsOf(IEnumerable<string> known)
    {
        var all = known.Order(StringComparer.Ordinal).ToArray();
        if (Kinds.Concat(NotKinds).FirstOrDefault(kind => !all.Contains(kind)) is { } unknown)
            throw new InputException($"There is no kind of run \"{unknown}\": choose among {string.Join(", ", all)}.");
        var taken = all.Where(kind => (Kinds.Length == 0 || Kinds.Any(named => Includes(named, kind))) && !NotKinds.Any(named => Includes(named, kind))).ToArray();
        return taken.Length > 0 ? taken : throw new InputException("A worker that takes no kind of run does nothing: name fewer in Queueing:NotKinds.");
    }

    private static bool Includes(string named, string kind) => kind == named || kind.StartsWith(named + "-", StringComparison.Ordinal);

    /// <summary>What a run of this kind requires where its request does not say.</summary>
    public string[] RequiredBy(string kind) =>
        Requires.GetValueOrDefault(kind, "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

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
        Within(nameof(Presence), Presence, TimeSpan.FromMilliseconds(100));
        if (Presence > TimeSpan.FromSeconds(10))
            throw new InputException($"The setting Queueing:Presence is {Presence}: it must be between 00:00:00.1 and 00:00:10.");
        Within(nameof(ClockCheck), ClockCheck, TimeSpan.Zero);
        Within(nameof(ClockWarning), ClockWarning, TimeSpan.Zero);
        Within(nameof(ClockRefusal), ClockRefusal, TimeSpan.Zero);
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
