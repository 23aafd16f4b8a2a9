using System.Text.Json;
using Dapper;
using Npgsql;

namespace Pimm.Core.Importing;

/// <summary>Audiences and their versions.</summary>
public sealed class AudienceStore(NpgsqlDataSource database, TimeProvider time)
{
    private const string SelectAudience =
        "select id, name, key_column, columns::text, funnel, simulated, created_at from audience where id = @id";

    private const string SelectAudienceByName =
        "select id, name, key_column, columns::text, funnel, simulated, created_at from audience where name = @name";

    private const string SelectNewestVersion =
        """
        select audience_id, version, import_file_id, customers, created_at
          from audience_version where audience_id = @audienceId order by version desc limit 1
        """;

    private const string CreateAudience =
        "select create_audience(@name, @keyColumn, @columns::jsonb, @funnel, @simulated, @at)";

    /// <summary>Makes the audience and its typed tables; the database's own function checks the names once more.</summary>
    public async Task<long> CreateAsync(
        string name, string keyColumn, IReadOnlyList<AudienceColumn> columns, string[] funnel, bool simulated = false,
        CancellationToken cancellationToken = default)
    {
        NewAudience.Validate(name, columns, funnel);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        try
        {
            return await connection.ExecuteScalarAsync<long>(new CommandDefinition(CreateAudience, new
            {
                name, keyColumn, columns = JsonSerializer.Serialize(columns), funnel, simulated, at = time.GetUtcNow(),
            }, cancellationToken: cancellationToken));
        }
        catch (PostgresException refused) when (refused.SqlState is PostgresErrorCodes.InvalidParameterValue or PostgresErrorCodes.UniqueViolation)
        {
            throw new InputException(refused.SqlState == PostgresErrorCodes.UniqueViolation
                ? $"There is an audience named \"{name}\" already: choose another name, or import a new version of it."
                : refused.MessageText, refused);
        }
    }

    public async Task<Audience> GetAsync(long id, CancellationToken cancellationToken = default) =>
        await FindAsync(id, cancellationToken) ?? throw new InputException($"There is no audience {id}.");

    public async Task<Audience?> FindAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<Audience>(new CommandDefinition(SelectAudience, new { id }, cancellationToken: cancellationToken));
    }

    public async Task<Audience?> FindByNameAsync(string name, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<Audience>(new CommandDefinition(SelectAudienceByName, new { name }, cancellationToken: cancellationToken));
    }

    public async Task<AudienceVersion?> NewestVersionAsync(long audienceId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<AudienceVersion>(new CommandDefinition(SelectNewestVersion, new { audienceId }, cancellationToken: cancellationToken));
    }
}
