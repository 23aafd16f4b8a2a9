using TorchSharp;

namespace Pimm.Core.Training;

/// <summary>
/// Keeps the threads that take a training's steps to what others leave of the machine (<see cref="ThreadRation"/>). Only where the
/// steps come to the same weights with any number of threads.
/// </summary>
/// <param name="most">threads on a machine that is free</param>
/// <param name="waited">how long the threads of this process, all together, have been ready to run without a processor; null where nothing tells</param>
internal sealed class SteppingThreads(int most, TimeProvider clock, Func<TimeSpan?> waited)
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(500);

    private readonly ThreadRation ration = new(most);
    private TimeSpan? waitedBefore;
    private long began;

    // Of the steps since the last look, up to where their epoch's steps ended: epochs may be short.
    private TimeSpan stepped;
    private TimeSpan stood;

    /// <summary>Before the steps of an epoch.</summary>
    public void Begin()
    {
        torch.set_num_threads(ration.Threads);
        (waitedBefore, began) = (waited(), clock.GetTimestamp());
    }

    /// <summary>After a step.</summary>
    public void Look()
    {
        if (waitedBefore is null || stepped + clock.GetElapsedTime(began) < BetweenLooks)
        {
            return;
        }

        Add();
        var threads = ration.Threads;
        if (ration.Look(stood / stepped) != threads)
        {
            torch.set_num_threads(ration.Threads);
        }

        stepped = stood = TimeSpan.Zero;
    }

    /// <summary>After the steps of an epoch: what follows takes all threads.</summary>
    public void End()
    {
        Add();
        torch.set_num_threads(most);
    }

    private void Add()
    {
        var (now, elapsed) = (waited(), clock.GetElapsedTime(began));
        // A thread that has ended takes what it waited with it.
        stood += now > waitedBefore ? (now - waitedBefore).Value : TimeSpan.Zero;
        stepped += elapsed;
        (waitedBefore, began) = (now, clock.GetTimestamp());
    }
}
