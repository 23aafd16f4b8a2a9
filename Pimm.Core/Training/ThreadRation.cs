namespace Pimm.Core.Training;

/// <summary>
/// How many threads compute while others use the machine too. Threads wait for one another at the end of every part of a step, so one
/// that is kept from running holds up all of them: where that costs more than to do without it, one fewer computes, and when nothing
/// waits any more, one more is tried.
/// </summary>
public sealed class ThreadRation
{
    private const double Calm = 0.05;
    private const int FewestCalmLooks = 4;
    private const int MostCalmLooks = 64;

    private readonly int most;
    private int calmLooks;
    private int calmLooksWanted = FewestCalmLooks;
    private int looksSinceTry = int.MaxValue;

    /// <param name="most">threads on a machine that is free, at least 1</param>
    public ThreadRation(int most) => this.most = Threads = most;

    /// <summary>1 to the most.</summary>
    public int Threads { get; private set; }

    /// <param name="waiting">how many threads, on the average since the look before, were ready to run and had no processor; at least 0</param>
    /// <returns>the threads from now on</returns>
    public int Look(double waiting)
    {
        looksSinceTry = Math.Min(looksSinceTry, FewestCalmLooks) + 1;
        // What waits stands in everybody's way; to do without one of n costs a share of 1 / n.
        if (Threads > 1 && waiting > 1.0 / (Threads + 1))
        {
            calmLooksWanted = looksSinceTry > FewestCalmLooks ? FewestCalmLooks : Math.Min(2 * calmLooksWanted, MostCalmLooks);
            Threads = Math.Max(Threads - (int)Math.Ceiling(waiting), 1);
            calmLooks = 0;
            return Threads;
        }

        calmLooks = waiting <= Calm ? calmLooks + 1 : 0;
        if (Threads < most && calmLooks >= calmLooksWanted)
        {
            Threads++;
            (calmLooks, looksSinceTry) = (0, 0);
        }

        return Threads;
    }
}
