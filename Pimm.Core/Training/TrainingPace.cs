namespace Pimm.Core.Training;

/// <summary>How fast a run goes: counts only the time spent on training steps.</summary>
/// <param name="before">spent by the attempts before</param>
internal sealed class TrainingPace(TimeProvider clock, long samplesInEpoch, TimeSpan before)
{
    private TimeSpan finished = before;
    private long? started;

    public TimeSpan Spent => finished + (started is { } start ? clock.GetElapsedTime(start) : TimeSpan.Zero);

    public void Start() => started = clock.GetTimestamp();

    public void Stop() => (finished, started) = (Spent, null);

    /// <param name="epoch">From 0.</param>
    /// <param name="last">The epoch, from 0, after which training stops unless a better one comes.</param>
    /// <param name="samples">Seen in this epoch.</param>
    public TrainingProgress At(int epoch, int last, long samples)
    {
        var seen = epoch * samplesInEpoch + samples;
        var perSecond = seen / Math.Max(Spent.TotalSeconds, 1e-9);
        var left = (last + 1) * samplesInEpoch - seen;
        return new(epoch + 1, last + 1, samples, samplesInEpoch, perSecond, TimeSpan.FromSeconds(left / Math.Max(perSecond, 1e-9)), null);
    }
}
