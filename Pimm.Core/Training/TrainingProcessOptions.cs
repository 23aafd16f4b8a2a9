using System.Diagnostics;

namespace Pimm.Core.Training;

/// <summary>Settings section <c>Training</c>: where and how the worker trains.</summary>
public sealed class TrainingProcessOptions
{
    /// <summary>
    /// The program that trains in a process of its own (its verb <c>train-rows</c>), so that a native crash or an out-of-memory
    /// kill ends a run and never the worker. Empty, the default outside the worker: train in this process.
    /// </summary>
    public string Executable { get; set; } = "";

    /// <summary>
    /// What the process that trains is worth beside others on the machine: <c>Idle</c> (the default), <c>BelowNormal</c> or
    /// <c>Normal</c>. Idle, pages are answered as if it were not there and it takes what they leave; below normal, it keeps about a
    /// tenth where everything else is busy without end.
    /// </summary>
    public ProcessPriorityClass Priority { get; set; } = ProcessPriorityClass.Idle;

    /// <summary>Threads that compute, at most; unset, the default: one for small batches, otherwise as many as the machine has cores, or fewer
    /// where a short trial finds those faster. Fewer compute while others keep them waiting, where that leaves the weights as they are.</summary>
    public int? Threads { get; set; }

    /// <summary><c>cpu</c> (the default) or <c>cuda:N</c>.</summary>
    public string Device { get; set; } = "cpu";

    /// <summary>
    /// Where a run keeps its rows and checkpoints while it trains, in a folder run-ID of its own. Default <c>training</c> in the
    /// working folder; on a folder that machines share, another machine goes on where one stopped.
    /// </summary>
    public string Folder { get; set; } = "training";

    /// <summary>
    /// Between two checkpoints within an epoch; there is one at the end of every epoch too. Default 5 minutes, 0 (every 20 steps) to
    /// 1 day.
    /// </summary>
    public TimeSpan CheckpointInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a cancelled training may take to reach its next batch before it is killed. Default 5 s, 0 to 10 minutes.</summary>
    public TimeSpan CancelPatience { get; set; } = TimeSpan.FromSeconds(5);

    /// <exception cref="InputException">a setting is out of its range</exception>
    public void Validate()
    {
        if (Threads is < 1 or > 1_024)
        {
            throw new InputException($"The setting Training:Threads is {Threads}: it must be between 1 and 1,024.");
        }

        if (Priority is not (ProcessPriorityClass.BelowNormal or ProcessPriorityClass.Normal or ProcessPriorityClass.Idle))
        {
            throw new InputException($"The setting Training:Priority is {Priority}: choose Idle, BelowNormal or Normal.");
        }

        if (string.IsNullOrWhiteSpace(Folder))
        {
            throw new InputException("The setting Training:Folder is empty: give a folder that the worker may write.");
        }

        Within(nameof(CheckpointInterval), CheckpointInterval, TimeSpan.FromDays(1));
        Within(nameof(CancelPatience), CancelPatience, TimeSpan.FromMinutes(10));
    }

    private static void Within(string name, TimeSpan value, TimeSpan most)
    {
        if (value < TimeSpan.Zero || value > most)
        {
            throw new InputException($"The setting Training:{name} is {value}: it must be between 00:00:00 and {most}.");
        }
    }
}
