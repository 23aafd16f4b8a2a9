using Npgsql;
using Pimm.Core.Auditing;
using Pimm.Core.Importing;

namespace Pimm.Core.Outcomes;

/// <summary>Tries events that were put aside again, each source's and audience's together.</summary>
public sealed class ReplayOutcomes(NpgsqlDataSource database, OutcomeProblemStore problems, OutcomeBatchStore stored, OutcomeBatches batches)
{
    /// <summary>What another event that comes later, in whatever batch, puts right.</summary>
    private static readonly string[] Passing = ["funnel_order", "unknown_correction"];

    /// <summary>Tries what may have been put right by what came since.</summary>
    public async Task<BatchAnswer> RunPassingAsync(string actor, CancellationToken cancellationToken)
    {
        var total = new BatchAnswer(0, 0, 0, 0, 0, 0, []);
        foreach (var code in Passing)
        {
            total = Sum(total, await RunAsync(actor, new OutcomeProblemFilter(Code: code), FunnelOrder.Reject, null, cancellationToken));
        }
        return total;
    }

    /// <param name="actor">as the audit names whoever asks</param>
    /// <param name="audience">of customer outcomes that name no campaign, where none was given when they came</param>
    /// <returns>what became of them together; without errors, which the problems list</returns>
    public async Task<BatchAnswer> RunAsync(string actor, OutcomeProblemFilter filter, FunnelOrder order, Audience? audience, CancellationToken cancellationToken)
    {
        var total = new BatchAnswer(0, 0, 0, 0, 0, 0, []);
        foreach (var group in await problems.GroupsAsync(filter, cancellationToken))
        {
            await problems.ReadyAsync(cancellationToken);
            long? last = 0;
            while (last is { } after)
            {
                (last, var answer) = await RunAsync(actor, filter, group, after, order, audience, cancellationToken);
                total = Sum(total, answer);
            }
        }
        return total;
    }

    /// <returns>the last one's id; null: there was none</returns>
    private async Task<(long? Last, BatchAnswer Answer)> RunAsync(
        string actor, OutcomeProblemFilter filter, OutcomeProblemGroup group, long after, FunnelOrder order, Audience? audience, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var kept = await problems.TakeAsync(connection, filter, group, after, OutcomeBatch.MostEvents);
        if (kept.Count == 0)
        {
            return (null, new BatchAnswer(0, 0, 0, 0, 0, 0, []));
        }
        var home = group.AudienceId is { } id ? (await stored.AudiencesAsync(connection, [id])).SingleOrDefault() : audience;
        var batch = new OutcomeBatch(group.Source, [.. kept.Select(one => (ReadOnlyMemory<byte>)problems.Open(group.Source, one))], order, Atomic: false, home);
        var answer = await batches.TakeAsync(connection, batch, cancellationToken);
        await problems.RemoveSettledAsync(connection, kept);
        await AuditLog.AddAsync(connection, new AuditEntry(actor, "outcomes.replay", "source", group.Source, After: new { answer.Received, answer.Accepted, answer.Duplicate, answer.Quarantined }));
        await transaction.CommitAsync(cancellationToken);
        return (kept[^1].Id, answer);
    }

    private static BatchAnswer Sum(BatchAnswer a, BatchAnswer b) => new(
        a.Received + b.Received, a.Accepted + b.Accepted, a.Duplicate + b.Duplicate, a.Quarantined + b.Quarantined, a.Late + b.Late, a.Weak + b.Weak, []);
}
