using Dapper;
using Npgsql;

namespace Pimm.Core.Outcomes;

/// <summary>Which dropped files were put away though not all of their rows were counted.</summary>
public sealed class InboxStore(NpgsqlDataSource database)
{
    private const string SelectNext = "select coalesce(max(number) + 1, 0) from inbox_file where content = @content";

    private const string Insert = "insert into inbox_file(run_id, content, number) values (@runId, @content, @number) on conflict do nothing";

    /// <summary>0 for bytes of which nothing was left over, however often they were dropped.</summary>
    public async Task<int> NextNumberAsync(string content, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<int>(new CommandDefinition(SelectNext, new { content }, cancellationToken: cancellationToken));
    }

    /// <summary>From now on the same bytes are another run, in the caller's transaction.</summary>
    public Task AddAsync(NpgsqlConnection connection, long runId, string content, int number) =>
        connection.ExecuteAsync(Insert, new { runId, content, number });
}
