using Dapper;
using Npgsql;

namespace Pimm.Core.Database;

/// <summary>
/// The app role's rights after a migration: rows of every table, no DDL. A table whose comment begins with "append-only" can be
/// read and added to, one whose comment begins with "read-only" and the table of migrations can be read.
/// </summary>
internal static class AppRights
{
    public static async Task GrantAsync(NpgsqlConnection owner, string? appRole, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(appRole) || appRole == await owner.ExecuteScalarAsync<string>("select current_user"))
            return;
        if (!await owner.ExecuteScalarAsync<bool>("select exists (select from pg_roles where rolname = @appRole)", new { appRole }))
            throw new InputException($"The role {appRole} of Database:ConnectionString does not exist: create it with \"create role … login\", or start with ./pimm up.");

        var statements = await owner.QueryAsync<string>(Statements, new { appRole });
        await using var transaction = await owner.BeginTransactionAsync(cancellationToken);
        foreach (var statement in statements)
            await owner.ExecuteAsync(statement, transaction: transaction);
        await transaction.CommitAsync(cancellationToken);
    }

    // Names are quoted by the server (%I). Partitions inherit the rights of the table they are read through.
    private const string Statements = """
        select format('grant usage on schema public to %I', @appRole)
        union all
        select format(
                 case when c.relname = 'migration' or c.relkind in ('v', 'm') or obj_description(c.oid, 'pg_class') like 'read-only%' then 'grant select on %I.%I to %I'
                      when obj_description(c.oid, 'pg_class') like 'append-only%' then 'grant select, insert on %I.%I to %I'
                      else 'grant select, insert, update, delete on %I.%I to %I' end,
                 'public', c.relname, @appRole)
          from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and pg_has_role(c.relowner, 'usage')
        union all
        -- A table may have become append-only, or have had every right by default when it was made.
        select format('revoke %s on %I.%I from %I', case when obj_description(c.oid, 'pg_class') like 'read-only%' then 'insert, update, delete, truncate' else 'update, delete, truncate' end,
                      'public', c.relname, @appRole)
          from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and pg_has_role(c.relowner, 'usage')
           and (obj_description(c.oid, 'pg_class') like 'append-only%' or obj_description(c.oid, 'pg_class') like 'read-only%')
        union all
        select format('grant usage, select on sequence %I.%I to %I', 'public', c.relname, @appRole)
          from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'S' and pg_has_role(c.relowner, 'usage')
        union all
        select format('alter default privileges in schema public grant select, insert, update, delete on tables to %I', @appRole)
        union all
        select format('alter default privileges in schema public grant usage, select on sequences to %I', @appRole)
        """;
}
