using Dapper;
using Npgsql;

namespace Pimm.Core.Importing;

/// <summary>A mapping that was kept for files of the same header.</summary>
public sealed record ImportTemplate(string Name, ImportMapping Mapping, string SavedBy, DateTimeOffset SavedAt);

/// <summary>Mappings by the fingerprint of a header.</summary>
public sealed class ImportTemplateStore(NpgsqlDataSource database, TimeProvider time)
{
    private const string Upsert =
        """
        insert into import_template(fingerprint, kind, name, mapping, saved_by, saved_at) values (@fingerprint, @kind, @name, @mapping::jsonb, @by, @at)
        on conflict (fingerprint, kind, name) do update set mapping = excluded.mapping, saved_by = excluded.saved_by, saved_at = excluded.saved_at
        """;

    private const string Select =
        "select name, mapping::text, saved_by, saved_at from import_template where fingerprint = @fingerprint and kind = @kind order by saved_at desc, name";

    /// <summary>Replaces one of the same name.</summary>
    /// <param name="by">as the audit names actors</param>
    /// <exception cref="InputException">a mapping that cannot be meant, or no name</exception>
    public async Task SaveAsync(byte[] fingerprint, string kind, string name, ImportMapping mapping, string by, CancellationToken cancellationToken = default)
    {
        mapping.Validate(kind);
        if (name.Trim() is not { Length: > 0 and <= 100 } trimmed)
        {
            throw new InputException($"The template's name has {name.Length} characters: give it one of 1 to 100.");
        }
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            Upsert, new { fingerprint, kind, name = trimmed, mapping = mapping.ToJson(), by, at = time.GetUtcNow() }, cancellationToken: cancellationToken));
    }

    /// <summary>The newest first.</summary>
    public async Task<IReadOnlyList<ImportTemplate>> FindAsync(byte[] fingerprint, string kind, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var rows = await connection.QueryAsync<(string Name, string Mapping, string SavedBy, DateTimeOffset SavedAt)>(
            new CommandDefinition(Select, new { fingerprint, kind }, cancellationToken: cancellationToken));
        return [.. rows.Select(row => new ImportTemplate(row.Name, ImportMapping.FromJson(row.Mapping), row.SavedBy, row.SavedAt))];
    }
}
