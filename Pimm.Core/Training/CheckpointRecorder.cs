using System.Threading.Channels;
using Pimm.Core.Database;
using Pimm.Core.Queueing;

namespace Pimm.Core.Training;

/// <summary>
/// Tells the database of a run's checkpoints beside the training: while the database does not answer, training goes on, and only the
/// newest checkpoint waits.
/// </summary>
internal sealed class CheckpointRecorder : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Channel<CheckpointFile> newest = Channel.CreateBounded<CheckpointFile>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly JobExecution run;
    private readonly Task recording;

    public CheckpointRecorder(JobExecution run)
    {
        this.run = run;
        recording = Task.Run(RecordAsync);
    }

    public void Add(CheckpointFile checkpoint) => newest.Writer.TryWrite(checkpoint);

    /// <summary>Waits until the newest is recorded, or cannot be.</summary>
    public async ValueTask DisposeAsync()
    {
        newest.Writer.Complete();
        await recording;
    }

    private async Task RecordAsync()
    {
        await foreach (var checkpoint in newest.Reader.ReadAllAsync())
        {
            try
            {
                using var patience = new CancellationTokenSource(Patience);
                await run.RecordCheckpointAsync(new UriBuilder("file", Environment.MachineName, -1, checkpoint.Path).Uri.ToString(), Convert.FromHexString(checkpoint.Sha256), patience.Token);
            }
            catch (Exception failed)
            {
                run.Warn($"The checkpoint {checkpoint.Path} could not be recorded: {PostgresErrors.Translate(failed).Message}");
            }
        }
    }
}
