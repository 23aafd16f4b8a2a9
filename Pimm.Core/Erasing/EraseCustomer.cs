using System.Text.Json;
using Pimm.Core.Auditing;
using Pimm.Core.Queueing;

namespace Pimm.Core.Erasing;

/// <summary>
/// Erases a customer store by store; each is done once and counted in the same transaction, so a later attempt goes on behind the last.
/// Rows, arms, outcomes and the audit keep the pseudonym and nothing else.
/// </summary>
public sealed class EraseCustomer(ErasureWork work, PutAsideRows rows, ErasedFiles files) : IJob
{
    public const string JobKind = "erase";

    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(0.5);

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var customer = run.ReadArguments<EraseRequest>().Customer;
        if (await work.OpenAsync(customer, cancellationToken) is not { } erasure)
        {
            run.Log("The customer is erased already.");
            await run.CompleteAsync(new { counts = new { } }, null, cancellationToken);
            return;
        }
        await WaitForOthersAsync(run, cancellationToken);
        var steps = Steps(run, erasure).ToList();
        foreach (var (place, (store, erase)) in steps.Index())
        {
            run.Report((double)place / steps.Count, $"erasing {store}");
            await run.StepAsync(store, async connection => await ErasureWork.CountAsync(connection, customer, store, await erase(connection)), cancellationToken);
            FaultPoint.Reach("erase.store-done");
        }
        var result = new ErasureResult();
        await run.CompleteAsync(result, async connection =>
        {
            result.Counts = JsonDocument.Parse(await ErasureWork.FinishAsync(connection, erasure)).RootElement.Clone();
            await AuditLog.AddAsync(connection, new AuditEntry(AuditActor.Run(run.RunId), "erase.finish", "customer", customer.ToString(), After: result.Counts));
        }, cancellationToken);
    }

    private IEnumerable<(string Store, Func<Npgsql.NpgsqlConnection, Task<long>> Erase)> Steps(JobExecution run, OpenErasure erasure) =>
    [
        .. ErasedTable.All.Select(table => (table.Name, (Func<Npgsql.NpgsqlConnection, Task<long>>)(connection => work.EraseAsync(connection, table, erasure)))),
        ("bad rows opened", connection => rows.EraseAsync(connection, erasure)),
        ("lists", connection => files.RemoveListsAsync(run, connection, erasure)),
        ("uploads", connection => files.RemoveUploadsAsync(run, connection, erasure)),
        ("inbox", _ => files.RemoveOutcomesAsync(run, erasure)),
    ];

    /// <summary>Runs that read their customers before the wish was there may still write them down.</summary>
    private async Task WaitForOthersAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var others = await work.RunningAsync(cancellationToken);
        while ((others = await work.StillRunningAsync(others, cancellationToken)).Count > 0)
        {
            run.Report(0, $"waiting for {string.Join(", ", others.Select(other => $"run {other.Id}"))}, which began before");
            await Task.Delay(Poll, cancellationToken);
        }
    }

    private sealed class ErasureResult
    {
        public JsonElement Counts { get; set; }
    }
}
