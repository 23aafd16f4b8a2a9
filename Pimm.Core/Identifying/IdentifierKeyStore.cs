using Dapper;
using Npgsql;

namespace Pimm.Core.Identifying;

/// <param name="Number">stands in what the key has sealed</param>
/// <param name="Wrapped">protected; only <see cref="Sealer"/> unwraps it</param>
public sealed record IdentifierKey(string Purpose, int Number, byte[] Wrapped);

/// <summary>The wrapped keys. Processes that start at once agree on one: the first row wins, and everybody reads it again.</summary>
public sealed class IdentifierKeyStore(NpgsqlDataSource database)
{
    private const string SelectKeys = "select purpose, number, wrapped from identifier_key order by purpose, number";

    private const string InsertKey = "insert into identifier_key(purpose, number, wrapped) values (@Purpose, @Number, @Wrapped) on conflict do nothing";

    public async Task<IReadOnlyList<IdentifierKey>> ReadAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<IdentifierKey>(new CommandDefinition(SelectKeys, cancellationToken: cancellationToken))];
    }

    public IReadOnlyList<IdentifierKey> Read()
    {
        using var connection = database.OpenConnection();
        return [.. connection.Query<IdentifierKey>(SelectKeys)];
    }

    /// <summary>Without effect where the number is taken.</summary>
    public async Task AddAsync(IdentifierKey key, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(InsertKey, key, cancellationToken: cancellationToken));
    }
}
