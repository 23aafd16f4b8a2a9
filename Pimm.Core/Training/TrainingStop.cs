namespace Pimm.Core.Training;

/// <summary>Asks a training that is under way to end, from any thread.</summary>
public sealed class TrainingStop : IDisposable
{
    // Longer than a batch and a checkpoint take; a training that is packing or validating has nothing to keep.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource source = new();
    private volatile CheckpointPlan? plan;

    public CancellationToken Token => source.Token;

    /// <summary>From now on there may be something to keep.</summary>
    public void Begin(CheckpointPlan? checkpoints) => plan = checkpoints;

    /// <summary>At its next batch; nothing is written any more.</summary>
    public void AtOnce() => source.Cancel();

    /// <summary>At its next batch with a checkpoint; without one where there are none, or no batch comes soon.</summary>
    public void WithCheckpoint()
    {
        if (plan is { } checkpoints)
        {
            checkpoints.End();
            source.CancelAfter(Patience);
        }
        else
        {
            source.Cancel();
        }
    }

    public void Dispose() => source.Dispose();
}
