using Dapper;
using Npgsql;

namespace Pimm.Core.Suppressing;

/// <summary>An erasure that was asked for, or is done.</summary>
/// <param name="FinishedAt">null: it is under way</param>
/// <param name="Counts">rows and files by store, as JSON</param>
public sealed record Erasure(Guid Customer, DateTimeOffset RequestedAt, string RequestedBy, DateTimeOffset? FinishedAt, string Counts);

/// <summary>Who was erased: such customers are skipped by imports and never created again.</summary>
public sealed class ErasureStore(NpgsqlDataSource database)
{
    private const string SelectErased = "select customer from erasure where customer = any(@customers)";

    private const string SelectErasure = "select customer, requested_at, requested_by, finished_at, counts::text from erasure where customer = @customer";

    /// <summary>Those of <paramref name="customers"/> who were erased, or are being erased.</summary>
    public async Task<IReadOnlySet<Guid>> ErasedAsync(NpgsqlConnection connection, IReadOnlyCollection<Guid> customers) =>
        (await connection.QueryAsync<Guid>(SelectErased, new { customers = customers.ToArray() })).ToHashSet();

    public async Task<Erasure?> FindAsync(Guid customer, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<Erasure>(new CommandDefinition(SelectErasure, new { customer }, cancellationToken: cancellationToken));
    }
}
