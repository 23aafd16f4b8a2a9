using System.Text.Json;
using Npgsql;
using Pimm.Core.Queueing;

namespace Pimm.Core.Outcomes;

/// <summary>What became of a request.</summary>
public enum RequestState
{
    /// <summary>Its events are stored.</summary>
    Done,

    /// <summary>It was done before; the answer is the one from then.</summary>
    Replayed,

    /// <summary>The same key is being worked on.</summary>
    InFlight,

    /// <summary>The key belongs to another request.</summary>
    OtherRequest,

    /// <summary>Atomic, and not all of its events can be used: nothing is stored, not even the key.</summary>
    Refused,
}

/// <param name="Body">the answer as JSON; null where there is none</param>
/// <param name="Answer">of what was done or refused now</param>
public sealed record TakenRequest(RequestState State, string? Body = null, BatchAnswer? Answer = null);

/// <summary>Takes a request's events in once, however often it is sent.</summary>
public sealed class TakeOutcomes(NpgsqlDataSource database, IdempotencyStore answers, OutcomeBatches batches)
{
    private const short Ok = 200;

    public async Task<TakenRequest> RunAsync(OutcomeBatch batch, RequestIdentity request, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!await answers.TryClaimAsync(connection, request))
        {
            return new TakenRequest(RequestState.InFlight);
        }
        // A statement of its own, which sees what was committed before the claim was ours.
        if (await answers.FindAsync(connection, request) is { } stored)
        {
            return stored.RequestHash.AsSpan().SequenceEqual(request.Hash) ? new TakenRequest(RequestState.Replayed, stored.Body) : new TakenRequest(RequestState.OtherRequest);
        }
        var answer = await batches.TakeAsync(connection, batch, cancellationToken);
        if (batch.Atomic && answer.Quarantined > 0)
        {
            return new TakenRequest(RequestState.Refused, null, answer);
        }
        var body = JsonSerializer.Serialize(answer, JobRequest.Json);
        await answers.AddAsync(connection, request, Ok, body);
        FaultPoint.Reach("outcomes.batch-stored");
        await transaction.CommitAsync(cancellationToken);
        return new TakenRequest(RequestState.Done, body, answer);
    }
}
