namespace Pimm.Core.Training;

/// <summary>Where and how often a training keeps what it has done, and how it is asked to end with it kept.</summary>
/// <param name="interval">Between two checkpoints within an epoch; zero: every 20 steps.</param>
public sealed class CheckpointPlan(CheckpointFolder folder, TimeSpan interval)
{
    private volatile bool ending;

    public CheckpointFolder Folder => folder;

    public TimeSpan Interval => interval;

    /// <summary>Go on from the newest checkpoint in the folder that can be used.</summary>
    public bool Resume { get; init; }

    /// <summary>Refuse a checkpoint of other rows, settings or code instead of starting over.</summary>
    public bool RefuseOther { get; init; }

    /// <summary>Told of every checkpoint that is on the disk.</summary>
    public Action<CheckpointFile> Written { get; init; } = _ => { };

    /// <summary>Told, in one sentence, where the training goes on from.</summary>
    public Action<string> Resumed { get; init; } = _ => { };

    /// <summary>Told, in one sentence, what the training chose by itself.</summary>
    public Action<string> Chosen { get; init; } = _ => { };

    /// <summary>Told, in one sentence each, what could not be used.</summary>
    public Action<string> Unusable { get; init; } = _ => { };

    /// <summary>Whether the training is to end with its next checkpoint.</summary>
    public bool IsEnding => ending;

    /// <summary>Asks for a checkpoint at the next batch and for the end of the training.</summary>
    public void End() => ending = true;
}

/// <summary>The checkpoints of one training: when one is due, what is written, where a training goes on from.</summary>
internal sealed class TrainingCheckpoints(CheckpointPlan plan, CheckpointKey key, TimeProvider clock)
{
    private const int StepsBetween = 20;
    private long last = clock.GetTimestamp();

    /// <param name="step">of the epoch under way</param>
    public bool IsDue(int step) =>
        plan.IsEnding || (plan.Interval > TimeSpan.Zero ? clock.GetElapsedTime(last) >= plan.Interval : step % StepsBetween == 0);

    /// <summary>Of the newest checkpoint that can be read; null where there is none.</summary>
    public static int? ThreadsOf(CheckpointFolder folder)
    {
        foreach (var path in folder.NewestFirst())
        {
            try
            {
                using var saved = SavedTraining.Open(CheckpointFolder.Verified(path).Path);
                return saved.Key.Threads;
            }
            catch (InputException)
            {
                // It is told of when the training looks where to go on.
            }
        }

        return null;
    }

    /// <summary>Writes one; it changes nothing that is computed.</summary>
    /// <exception cref="OperationCanceledException">the training was asked to end with it</exception>
    public void Take(TrainingState state)
    {
        plan.Written(plan.Folder.Write(stream => SavedTraining.Write(stream, state, key)));
        last = clock.GetTimestamp();
        if (plan.IsEnding)
        {
            throw new OperationCanceledException("The training was asked to end with a checkpoint.");
        }
    }

    /// <summary>Puts back the newest checkpoint that can be used; without one the state stays as it is.</summary>
    /// <returns>whether there was one</returns>
    /// <exception cref="InputException">a checkpoint is of another training, and the plan refuses those</exception>
    public bool Restore(TrainingState state)
    {
        if (!plan.Resume)
        {
            return false;
        }

        foreach (var path in plan.Folder.NewestFirst())
        {
            try
            {
                using var saved = SavedTraining.Open(CheckpointFolder.Verified(path).Path);
                if (saved.Key.DifferenceTo(key) is { } difference)
                {
                    StartOver(path, difference);
                    return false;
                }

                saved.Restore(state);
                plan.Resumed(FormattableString.Invariant(
                    $"Training goes on from {Path.GetFileName(path)}: {state.Epoch} epochs done and {state.Row:N0} of {state.Order.Length:N0} rows of the next."));
                return true;
            }
            catch (InputException damaged) when (damaged is not OtherTrainingException)
            {
                plan.Unusable(damaged.Message);
            }
        }

        plan.Unusable($"{plan.Folder.Path} has no checkpoint that can be used, so training starts from the beginning.");
        return false;
    }

    private void StartOver(string path, string difference)
    {
        if (plan.RefuseOther)
        {
            throw new OtherTrainingException($"The checkpoint {path} is of another training ({difference}); give what it was begun with, or train without --resume to begin anew.");
        }

        plan.Unusable($"The checkpoint {path} is of another training ({difference}), so training starts from the beginning.");
    }

    private sealed class OtherTrainingException(string sentence) : InputException(sentence);
}
