using Dapper;
using Npgsql;

namespace Pimm.Core.Importing;

/// <summary>A version made of a file and of the version before it: a field that the file leaves empty stays as it was.</summary>
internal sealed class MergedVersion(Audience audience)
{
    /// <summary>One version at a time lands or, by undo_customers, goes: until the transaction ends.</summary>
    public Task LockAsync(NpgsqlConnection connection) =>
        connection.ExecuteAsync("select pg_advisory_xact_lock(hashtextextended('versions of an audience', @Id))", new { audience.Id });

    /// <summary>Erased customers are never created again.</summary>
    /// <returns>rows taken out</returns>
    public async Task<long> SkipErasedAsync(NpgsqlConnection connection, int version) => await connection.ExecuteAsync(
        $"delete from {audience.CustomersTable} c using erasure e where e.customer = c.customer and c.version = @version", new { version });

    /// <returns>customers of the version</returns>
    public async Task<long> LayOverAsync(NpgsqlConnection connection, int version)
    {
        var before = await connection.ExecuteScalarAsync<int?>(
            "select max(version) from audience_version where audience_id = @Id and version < @version", new { audience.Id, version });
        var laid = await connection.ExecuteAsync(LayOver, new { version, before });
        return laid + await connection.ExecuteAsync(CopyOthers, new { version, before });
    }

    private string LayOver =>
        $"""
        with given as (delete from {audience.CustomersTable} where version = @version returning *)
        insert into {audience.CustomersTable} (customer, version, customer_key, {audience.AttributeList()})
        select g.customer, g.version, g.customer_key, {string.Join(", ", audience.Attributes.Select(a => $"coalesce(g.\"{a.Name}\", o.\"{a.Name}\")"))}
          from given g left join {audience.CustomersTable} o on o.customer = g.customer and o.version = @before
        """;

    private string CopyOthers =>
        $"""
        insert into {audience.CustomersTable} (customer, version, customer_key, {audience.AttributeList()})
        select o.customer, @version, o.customer_key, {audience.AttributeList("o.")}
          from {audience.CustomersTable} o
         where o.version = @before and not exists (select from {audience.CustomersTable} n where n.customer = o.customer and n.version = @version)
           and not exists (select from erasure e where e.customer = o.customer)
        """;
}
