using Dapper;
using Npgsql;

namespace Pimm.Core.Importing;

/// <summary>An audience as a list shows it.</summary>
/// <param name="Version">the newest; null: no customers yet</param>
/// <param name="Currency">of all its amounts; null: no outcome has named one</param>
/// <param name="LastImport">the newest file that was taken in; null: none was</param>
public sealed record AudienceSummary(
    long Id, string Name, bool Simulated, DateTimeOffset CreatedAt, string? Currency, int Attributes, int? Version, long Customers,
    long? LastImport, string? LastFile, string? LastKind, DateTimeOffset? LastImportedAt, long Campaigns, long Lines);

/// <summary>A version of an audience with the file that made it.</summary>
public sealed record AudienceVersionRow(int Version, long Customers, DateTimeOffset CreatedAt, long ImportFileId, string FileName);

/// <summary>Where an audience is used.</summary>
/// <param name="Kind">campaign or line</param>
public sealed record AudienceUse(string Kind, long Id, string Name, DateTimeOffset At);

/// <summary>Audiences page by page, and what is of one.</summary>
public sealed class AudienceListStore(NpgsqlDataSource database)
{
    private const string SelectAny =
        """
        select a.id, a.name, a.simulated, a.created_at, a.currency, jsonb_array_length(a.columns) as attributes, v.version, coalesce(v.customers, 0) as customers,
               f.id as last_import, f.file_name as last_file, f.kind as last_kind, f.imported_at as last_imported_at,
               (select count(*) from campaign k where k.audience_id = a.id) as campaigns, (select count(*) from model_line l where l.audience_id = a.id) as lines
          from audience a
          left join lateral (select * from audience_version o where o.audience_id = a.id order by o.version desc limit 1) v on true
          left join lateral (select * from import_file o where o.audience_id = a.id and o.state = 'finished' and o.undone_at is null order by o.id desc limit 1) f on true
        """;

    private const string SelectPage = $"{SelectAny} where @search = '' or position(lower(@search) in lower(a.name)) > 0 order by a.id desc offset @offset limit @limit";

    private const string SelectOne = $"{SelectAny} where a.id = @id";

    private const string CountAll = "select count(*) from audience a where @search = '' or position(lower(@search) in lower(a.name)) > 0";

    private const string SelectVersions =
        """
        select v.version, v.customers, v.created_at, v.import_file_id, f.file_name
          from audience_version v join import_file f on f.id = v.import_file_id
         where v.audience_id = @id order by v.version desc limit @limit
        """;

    private const string SelectUses =
        """
        select kind, id, name, at from (
            select 'campaign' as kind, k.id, k.name, k.created_at as at from campaign k where k.audience_id = @id
            union all
            select 'line', l.id, l.name, l.created_at from model_line l where l.audience_id = @id) used
         order by kind, id desc limit @limit
        """;

    /// <param name="search">part of a name; empty: all</param>
    public async Task<IReadOnlyList<AudienceSummary>> ListAsync(string search, int offset, int limit, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<AudienceSummary>(new CommandDefinition(SelectPage, new { search, offset, limit }, cancellationToken: cancellationToken))];
    }

    public async Task<long> CountAsync(string search, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition(CountAll, new { search }, cancellationToken: cancellationToken));
    }

    public async Task<AudienceSummary?> FindAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<AudienceSummary>(new CommandDefinition(SelectOne, new { id }, cancellationToken: cancellationToken));
    }

    /// <summary>The newest first.</summary>
    public async Task<IReadOnlyList<AudienceVersionRow>> VersionsAsync(long id, int limit = 100, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<AudienceVersionRow>(new CommandDefinition(SelectVersions, new { id, limit }, cancellationToken: cancellationToken))];
    }

    /// <summary>Campaigns, then lines, the newest first.</summary>
    public async Task<IReadOnlyList<AudienceUse>> UsesAsync(long id, int limit = 100, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<AudienceUse>(new CommandDefinition(SelectUses, new { id, limit }, cancellationToken: cancellationToken))];
    }
}
