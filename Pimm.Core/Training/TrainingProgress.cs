namespace Pimm.Core.Training;

/// <summary>Where a training run stands; reported a few times a second and after every epoch.</summary>
/// <param name="Epoch">The epoch under way, from 1.</param>
/// <param name="LastEpoch">The epoch after which training stops unless a better one comes, from 1.</param>
/// <param name="Samples">Training rows seen in this epoch.</param>
/// <param name="SamplesInEpoch">Training rows of an epoch.</param>
/// <param name="SamplesPerSecond">Training rows a second since the run began, validation not counted in the time.</param>
/// <param name="Remaining">Until the end of <paramref name="LastEpoch"/> at this pace; a better epoch makes it longer. Null at first.</param>
/// <param name="Finished">The epoch just finished, on the last report of each epoch.</param>
public readonly record struct TrainingProgress(
    int Epoch, int LastEpoch, long Samples, long SamplesInEpoch, double SamplesPerSecond, TimeSpan? Remaining, EpochMetrics? Finished)
{
    /// <summary>What is done otherwise than asked for, in one sentence; null for nothing, and in every report but the first.</summary>
    public string? Note { get; init; }
}

/// <summary>What an epoch came to.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="PremiseProbability">p in force at its beginning; null for a network without premises.</param>
/// <param name="TrainingLoss">Mean loss of its batches, dropout on, premises as drawn.</param>
/// <param name="ValidationLogLoss">Summed over tasks, premises predicted.</param>
/// <param name="Validation">One entry a task.</param>
public sealed record EpochMetrics(
    int Epoch, double? PremiseProbability, double TrainingLoss, double ValidationLogLoss, IReadOnlyList<TaskMetrics> Validation)
{
    /// <summary>Mean squared error of the amount on the training scale; null where the network predicts none.</summary>
    public double? ValidationAmountError { get; init; }
}
