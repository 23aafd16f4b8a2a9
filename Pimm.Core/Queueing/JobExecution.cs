using System.Text.Json;
using Npgsql;

namespace Pimm.Core.Queueing;

/// <summary>One attempt of a run, as its job sees it: what to do, and the only ways to write something for it.</summary>
public sealed class JobExecution
{
    private const int MaxMessageLength = 2_000;

    private readonly Lease lease;
    private readonly NpgsqlDataSource database;

    internal JobExecution(Lease lease, NpgsqlDataSource database)
    {
        (this.lease, this.database) = (lease, database);
        using var document = JsonDocument.Parse(lease.Run.Arguments);
        Arguments = document.RootElement.Clone();
    }

    public long RunId => lease.Run.Id;

    public long Fence => lease.Run.Fence;

    public string Kind => lease.Run.Kind;

    /// <summary>1 for the first try.</summary>
    public int Attempt => lease.Run.Attempt;

    public long? CampaignId => lease.Run.CampaignId;

    /// <exception cref="InputException">the run belongs to no campaign</exception>
    public long RequiredCampaignId => CampaignId ?? throw new InputException($"A run of the kind {Kind} belongs to a campaign: give --campaign.");

    /// <summary>The day the run is about.</summary>
    public DateOnly? LogicalDate => lease.Run.LogicalDate;

    /// <summary>camelCase JSON, as enqueued.</summary>
    public JsonElement Arguments { get; }

    public bool IsComplete { get; private set; }

    /// <summary>Whether the token was cancelled because this worker stops: another one goes on with the run.</summary>
    public bool IsHandedBack => lease.End == LeaseEnd.HandedBack;

    /// <exception cref="InputException">the arguments do not fit the record</exception>
    public T ReadArguments<T>()
    {
        try
        {
            return Arguments.Deserialize<T>(JobRequest.Json) ?? throw new InputException($"The run {Kind} has no arguments: enqueue it with some.");
        }
        catch (JsonException e)
        {
            throw new InputException($"The arguments of the run {Kind} cannot be read ({e.Message}): correct them and enqueue it again.", e);
        }
    }

    /// <summary>How far the attempt is. As often as you like: the database hears of it at most once a second.</summary>
    /// <param name="share">0 to 1; values outside are cut off</param>
    public void Report(double share, string message) => lease.Report((float)Math.Clamp(double.IsNaN(share) ? 0 : share, 0, 1), Clean(message));

    public void Log(string message) => lease.Log("information", Clean(message));

    public void Warn(string message) => lease.Log("warning", Clean(message));

    /// <summary>
    /// Call before an effect outside the database (renaming a file, publishing): waits while no heartbeat gets through.
    /// </summary>
    /// <exception cref="LeaseLostException">the run is another worker's, or ended</exception>
    public Task ConfirmLeaseAsync(CancellationToken cancellationToken) => lease.ConfirmAsync(cancellationToken);

    /// <summary>One transaction: the effect, then the fence. Refused as a whole when the run is no longer ours.</summary>
    /// <exception cref="LeaseLostException">nothing was written</exception>
    public async Task CommitAsync(Func<NpgsqlConnection, Task> effect, CancellationToken cancellationToken)
    {
        await lease.ConfirmAsync(cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await effect(connection);
        if (!await LeaseStore.HoldsAsync(lease.Run, connection, transaction, cancellationToken))
            throw Lost();
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>As <see cref="CommitAsync"/>, once in the life of the run: a later attempt skips what has been committed.</summary>
    /// <returns>false when it had been done before</returns>
    public async Task<bool> StepAsync(string step, Func<NpgsqlConnection, Task> effect, CancellationToken cancellationToken)
    {
        await using (var connection = await database.OpenConnectionAsync(cancellationToken))
            if (await LeaseStore.HasStepAsync(lease.Run, step, connection, cancellationToken))
                return false;

        await CommitAsync(async connection =>
        {
            await effect(connection);
            await LeaseStore.AddStepAsync(lease.Run, step, connection);
        }, cancellationToken);
        return true;
    }

    /// <summary>Records where a later attempt may go on from.</summary>
    /// <exception cref="LeaseLostException">nothing was written</exception>
    public Task RecordCheckpointAsync(string uri, byte[] sha256, CancellationToken cancellationToken) =>
        CommitAsync(connection => LeaseStore.SetCheckpointAsync(lease.Run, uri, sha256, connection), cancellationToken);

    /// <summary>When the run was asked for, and where its newest checkpoint was written, by this attempt or one before; null: there is none.</summary>
    public async Task<(DateTimeOffset CreatedAt, string? CheckpointUri)> OriginAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await LeaseStore.OriginAsync(lease.Run, connection, cancellationToken);
    }

    /// <summary>The last effect (if any), the result and the state succeeded, in one transaction. Nothing may follow.</summary>
    /// <param name="result">stored as camelCase JSON, as it is after the effect; null: none</param>
    /// <exception cref="LeaseLostException">nothing was written</exception>
    public async Task CompleteAsync(object? result, Func<NpgsqlConnection, Task>? effect, CancellationToken cancellationToken)
    {
        await lease.ConfirmAsync(cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (effect is not null)
            await effect(connection);
        // Now, because an effect may fill the result.
        var json = result is null ? null : JsonSerializer.Serialize(result, JobRequest.Json);
        await lease.BeatAsync();
        var left = lease.TakeLog();
        lease.Completing = true;
        try
        {
            if (!await LeaseStore.SucceedAsync(lease.Run, json, left, connection, transaction, cancellationToken))
                throw Lost();
            await transaction.CommitAsync(cancellationToken);
            IsComplete = true;
        }
        finally
        {
            lease.Completing = IsComplete;
            if (!IsComplete)
                lease.PutBackLog(left);
        }
    }

    private LeaseLostException Lost()
    {
        lease.Stop(LeaseEnd.Lost);
        return new LeaseLostException(RunId, Fence);
    }

    // PostgreSQL's text holds no NUL.
    private static string Clean(string message)
    {
        var text = message.Replace('\0', ' ');
        return text.Length <= MaxMessageLength ? text : text[..MaxMessageLength] + "…";
    }
}
