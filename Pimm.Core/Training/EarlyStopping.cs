namespace Pimm.Core.Training;

/// <summary>
/// Which epoch was the best so far and whether to stop: after <paramref name="patience"/> epochs without a better one. An epoch before
/// <paramref name="earliest"/> (the first one that the premise's curriculum trains at its floor) neither stops training nor is kept
/// once that one is done: a network that was shown labels shrinks what it predicts without them (models.md §9.4).
/// </summary>
/// <param name="patience">Epochs, at least 1.</param>
/// <param name="earliest">The first epoch, from 0, that counts.</param>
/// <param name="larger">True where a larger measure is better.</param>
public sealed class EarlyStopping(int patience, int earliest, bool larger)
{
    private double best = double.NaN;
    private int last = -1;

    /// <summary>What it has seen so far.</summary>
    public StoppingState State
    {
        get => new(best, last, BestEpoch);
        set => (best, last, BestEpoch) = (value.Best, value.Last, value.BestEpoch);
    }

    /// <summary>The best epoch, from 0; −1 before the first.</summary>
    public int BestEpoch { get; private set; } = -1;

    public bool ShouldStop => last >= EarliestStop;

    /// <summary>The epoch, from 0, after which training stops unless a better one comes.</summary>
    public int EarliestStop => Math.Max(earliest, BestEpoch + patience);

    /// <summary>Takes the measure of the next epoch.</summary>
    /// <returns>Whether it is the best so far; equal is not better.</returns>
    public bool Add(double measure)
    {
        if (++last == earliest)
        {
            BestEpoch = -1;
        }

        if (double.IsNaN(measure) || !(BestEpoch < 0 || (larger ? measure > best : measure < best)))
        {
            return false;
        }

        best = measure;
        BestEpoch = last;
        return true;
    }
}

/// <summary>What early stopping has seen so far.</summary>
/// <param name="Best">the best measure; NaN before the first</param>
/// <param name="Last">the newest epoch, from 0; −1 before the first</param>
/// <param name="BestEpoch">from 0; −1 where none counts yet</param>
public sealed record StoppingState(double Best, int Last, int BestEpoch);
