using System.Security.Cryptography;
using System.Text;
using Dapper;
using Npgsql;
using Pimm.Core.Identifying;
using Pimm.Core.Statistics;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Identifying;

public sealed class IdentifierStoreTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Seen = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Guid Ann = CustomerHash.Of("ann");
    private static readonly Guid Bob = CustomerHash.Of("bob");

    private PimmInstance pimm = null!;
    private NpgsqlConnection connection = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private IdentifierStore Store => pimm.Service<IdentifierStore>();

    public async ValueTask InitializeAsync()
    {
        pimm = await PimmInstance.StartAsync();
        connection = await pimm.Database.DataSource.OpenConnectionAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        await pimm.DisposeAsync();
    }

    private async Task<IReadOnlyList<CustomerIdentifier>> ReadAsync(params Guid[] customers) =>
        await Store.ReadAsync(connection, customers, Enum.GetValues<IdentifierKind>(), Cancel).ToListAsync(Cancel);

    [Fact]
    public async Task The_newest_value_of_a_kind_wins_in_whatever_order_they_come()
    {
        await Store.SaveAsync(connection, [new(Ann, IdentifierKind.Email, "new@example.com", Seen.AddDays(1)), new(Ann, IdentifierKind.Email, "old@example.com", Seen)], Cancel);
        await Store.SaveAsync(connection, [new(Ann, IdentifierKind.Email, "older@example.com", Seen.AddDays(-1)), new(Bob, IdentifierKind.Phone, "+491701234567", Seen)], Cancel);

        (await ReadAsync(Ann, Bob)).Select(one => (one.Customer, one.Kind, one.Value, one.SeenAt)).ShouldBe(
            [(Ann, IdentifierKind.Email, "new@example.com", Seen.AddDays(1)), (Bob, IdentifierKind.Phone, "+491701234567", Seen)], ignoreOrder: true);
        (await FindAsync(IdentifierKind.Email, "new@example.com")).ShouldBe([Ann]);
        (await FindAsync(IdentifierKind.Email, "old@example.com")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Customers_who_share_an_identifier_are_all_found_and_names_are_no_index()
    {
        await Store.SaveAsync(connection, [
            new(Ann, IdentifierKind.Phone, "+491701234567", Seen), new(Bob, IdentifierKind.Phone, "+491701234567", Seen), new(Ann, IdentifierKind.FirstName, "Ann", Seen)], Cancel);

        (await FindAsync(IdentifierKind.Phone, "+491701234567")).ShouldBe([Ann, Bob], ignoreOrder: true);
        (await connection.QueryAsync<short>("select kind from customer_identifier where blind_index is null")).ShouldBe([(short)IdentifierKind.FirstName]);
    }

    [Fact]
    public async Task A_sealed_value_that_is_moved_to_another_customer_does_not_open()
    {
        await Store.SaveAsync(connection, [new(Ann, IdentifierKind.Email, "ann@example.com", Seen)], Cancel);
        await connection.ExecuteAsync("update customer_identifier set customer = @Bob", new { Bob });

        await Should.ThrowAsync<CryptographicException>(() => ReadAsync(Bob));
    }

    [Fact]
    public async Task Neither_the_value_nor_a_plain_hash_of_it_is_anywhere_in_the_database()
    {
        string[] secrets = ["ann.secret@example.com", "+491701234567", "Secretname"];
        await Store.SaveAsync(connection, [
            new(Ann, IdentifierKind.Email, secrets[0], Seen), new(Ann, IdentifierKind.Phone, secrets[1], Seen), new(Ann, IdentifierKind.LastName, secrets[2], Seen)], Cancel);

        await using var owner = await pimm.Database.Owner.OpenConnectionAsync(Cancel);
        var tables = await owner.QueryAsync<string>("select c.oid::regclass::text from pg_class c where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'audience'::regnamespace)");
        var dump = new StringBuilder();
        foreach (var table in tables)
            dump.AppendLine(await owner.ExecuteScalarAsync<string>($"select string_agg(t::text, E'\\n') from {table} t"));

        var text = dump.ToString();
        text.ShouldContain(Convert.ToHexStringLower(pimm.Service<Sealer>().BlindIndex(IdentifierKind.Email, secrets[0])));
        foreach (var secret in secrets)
        {
            text.ShouldNotContain(secret, Case.Insensitive);
            text.ShouldNotContain(Convert.ToHexStringLower(Encoding.UTF8.GetBytes(secret)));
            text.ShouldNotContain(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret))));
        }
    }

    private Task<IReadOnlyList<Guid>> FindAsync(IdentifierKind kind, string canonical) =>
        Store.FindCustomersAsync(kind, pimm.Service<Sealer>().BlindIndex(kind, canonical), Cancel);
}
