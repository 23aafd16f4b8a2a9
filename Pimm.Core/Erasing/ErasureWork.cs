using System.Globalization;
using Dapper;
using Npgsql;
using Pimm.Core.Identifying;

namespace Pimm.Core.Erasing;

/// <summary>An erasure under way.</summary>
/// <param name="RequestedAt">a newer wish for the same customer has another run, which finishes it</param>
public sealed record OpenErasure(Guid Customer, DateTimeOffset RequestedAt, PersonTraces Traces);

/// <summary>An attempt of a run.</summary>
public sealed record RunningAttempt(long Id, long Fence);

/// <summary>The rows of an erasure.</summary>
public sealed class ErasureWork(NpgsqlDataSource database, Sealer sealer)
{
    private const string SelectOpen = "select requested_at, traces_sealed from erasure where customer = @customer and finished_at is null";

    // Whatever reads customers into files or rows.
    private const string SelectRunning =
        """
        select id, fence from job_run where state = 'running' and kind in ('import', 'outcomes', 'export', 'collect') and holds_lease(id, fence) order by id
        """;

    private const string SelectStillRunning =
        "select r.id, r.fence from unnest(@ids::bigint[], @fences::bigint[]) as r(id, fence) where holds_lease(r.id, r.fence) order by r.id";

    private const string AddCount =
        """
        update erasure set counts = counts || jsonb_build_object(@store::text, coalesce((counts->>@store)::bigint, 0) + @rows::bigint) where customer = @customer
        """;

    private const string Finish =
        """
        update erasure set finished_at = clock_timestamp(), traces_sealed = null where customer = @Customer and finished_at is null and requested_at = @RequestedAt;
        select counts::text from erasure where customer = @Customer
        """;

    /// <summary>Null: it is finished.</summary>
    public async Task<OpenErasure?> OpenAsync(Guid customer, CancellationToken cancellationToken)
    {
        await sealer.ReadyAsync(cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<OpenRow>(new CommandDefinition(SelectOpen, new { customer }, cancellationToken: cancellationToken));
        return row is null ? null : new OpenErasure(customer, row.RequestedAt, ErasureRequests.Open(sealer, customer, row.TracesSealed));
    }

    public async Task<IReadOnlyList<RunningAttempt>> RunningAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<RunningAttempt>(new CommandDefinition(SelectRunning, cancellationToken: cancellationToken))];
    }

    public async Task<IReadOnlyList<RunningAttempt>> StillRunningAsync(IReadOnlyList<RunningAttempt> attempts, CancellationToken cancellationToken)
    {
        if (attempts.Count == 0)
            return attempts;
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<RunningAttempt>(new CommandDefinition(SelectStillRunning, new
        {
            ids = attempts.Select(attempt => attempt.Id).ToArray(), fences = attempts.Select(attempt => attempt.Fence).ToArray(),
        }, cancellationToken: cancellationToken))];
    }

    internal Task<long> EraseAsync(NpgsqlConnection connection, ErasedTable table, OpenErasure erasure) => connection.ExecuteScalarAsync<long>(table.Sql, new
    {
        customer = erasure.Customer, addresses = ErasureRequests.KeysOf(sealer, erasure.Customer, erasure.Traces).Select(key => key.BlindIndex).OfType<byte[]>().ToArray(), pattern = erasure.Traces.Pattern(), rowPattern = erasure.Traces.Pattern(names: true),
    });

    internal static Task CountAsync(NpgsqlConnection connection, Guid customer, string store, long rows) => connection.ExecuteAsync(AddCount, new { customer, store, rows });

    /// <returns>the counts of all stores as JSON</returns>
    internal static async Task<string> FinishAsync(NpgsqlConnection connection, OpenErasure erasure) =>
        await connection.ExecuteScalarAsync<string>(Finish, new { erasure.Customer, erasure.RequestedAt })
        ?? throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"The erasure of {erasure.Customer} is gone."));

    private sealed record OpenRow(DateTimeOffset RequestedAt, byte[] TracesSealed);
}
