using System.Security.Cryptography;
using System.Text;
using Dapper;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Identifying;
using Pimm.Database.Tests.Safekeeping;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Identifying;

public sealed class SealerTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static readonly byte[] Context = "row 1"u8.ToArray();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Another process, as far as keys are concerned: nothing in memory is shared.</summary>
    private static ServiceProvider Process(TestDatabase database)
    {
        var settings = new ConfigurationBuilder().AddPimmSettings()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["Database:ConnectionString"] = database.ConnectionString }).Build();
        return new ServiceCollection().AddLogging(logging => logging.ClearProviders()).AddSingleton<IConfiguration>(settings).AddPimmCore(settings).BuildServiceProvider();
    }

    private static async Task<Sealer> ReadyAsync(ServiceProvider process)
    {
        var sealer = process.GetRequiredService<Sealer>();
        await sealer.ReadyAsync(Cancel);
        return sealer;
    }

    [Fact]
    public async Task What_one_process_sealed_opens_in_another()
    {
        await using var first = Process(database);
        await using var second = Process(database);
        var box = (await ReadyAsync(first)).Seal("ann@example.com"u8, Context);

        Encoding.UTF8.GetString((await ReadyAsync(second)).Open(box, Context)).ShouldBe("ann@example.com");
        (await ReadyAsync(first)).BlindIndex(IdentifierKind.Email, "ann@example.com").ShouldBe((await ReadyAsync(second)).BlindIndex(IdentifierKind.Email, "ann@example.com"));
    }

    [Fact]
    public async Task Equal_values_are_sealed_differently_and_indexed_alike_within_their_kind()
    {
        await using var process = Process(database);
        var sealer = await ReadyAsync(process);

        sealer.Seal("x"u8, Context).ShouldNotBe(sealer.Seal("x"u8, Context));
        sealer.BlindIndex(IdentifierKind.Email, "x").ShouldBe(sealer.BlindIndex(IdentifierKind.Email, "x"));
        sealer.BlindIndex(IdentifierKind.Email, "x").ShouldNotBe(sealer.BlindIndex(IdentifierKind.Phone, "x"));
        sealer.BlindIndex(IdentifierKind.Email, "x").ShouldNotBe(SHA256.HashData("x"u8));
        Encoding.UTF8.GetString(sealer.Open(sealer.Seal([], Context), Context)).ShouldBe("");
    }

    [Fact]
    public async Task Any_altered_byte_another_context_and_a_cut_end_are_refused()
    {
        await using var process = Process(database);
        var sealer = await ReadyAsync(process);
        var box = sealer.Seal("+491701234567"u8, Context);

        for (var at = 0; at < box.Length; at++)
        {
            var altered = box.ToArray();
            altered[at] ^= 1;
            Should.Throw<CryptographicException>(() => sealer.Open(altered, Context), $"byte {at}");
        }
        Should.Throw<CryptographicException>(() => sealer.Open(box, "row 2"u8));
        Should.Throw<CryptographicException>(() => sealer.Open(box.AsSpan(..^1), Context));
        Should.Throw<CryptographicException>(() => sealer.Open([], Context));
    }

    [Fact]
    public async Task A_new_key_seals_from_now_on_and_a_process_that_does_not_know_it_yet_opens_it_too()
    {
        await using var first = Process(database);
        await using var second = Process(database);
        var (sealer, other) = (await ReadyAsync(first), await ReadyAsync(second));
        var old = sealer.Seal("old"u8, Context);

        var number = await sealer.AddKeyAsync(Cancel);

        var box = sealer.Seal("new"u8, Context);
        box.AsSpan(..4).ToArray().ShouldBe([0, 0, 0, (byte)number]);
        old.AsSpan(..4).ToArray().ShouldNotBe(box.AsSpan(..4).ToArray());
        Encoding.UTF8.GetString(sealer.Open(old, Context)).ShouldBe("old");
        Encoding.UTF8.GetString(other.Open(box, Context)).ShouldBe("new");
    }

    [Fact]
    public async Task Processes_that_start_at_once_make_one_key_of_each_purpose()
    {
        await using var empty = await TestDatabase.MigratedAsync();
        var processes = Enumerable.Range(0, 4).Select(_ => Process(empty)).ToList();

        var sealers = await Task.WhenAll(processes.Select(process => Task.Run(() => ReadyAsync(process))));

        await using var connection = await empty.DataSource.OpenConnectionAsync(Cancel);
        (await connection.QueryAsync<string>("select purpose || number from identifier_key order by purpose")).ShouldBe(["index1", "seal1"]);
        var box = sealers[0].Seal("x"u8, Context);
        foreach (var sealer in sealers)
        {
            sealer.Open(box, Context).ShouldBe("x"u8.ToArray());
            sealer.BlindIndex(IdentifierKind.Email, "x").ShouldBe(sealers[0].BlindIndex(IdentifierKind.Email, "x"));
        }
        foreach (var process in processes)
            await process.DisposeAsync();
    }

    [Fact]
    public async Task A_key_whose_Data_Protection_key_is_gone_is_refused_with_what_to_restore()
    {
        await using var other = await TestDatabase.MigratedAsync();
        await using (var process = Process(other))
            await ReadyAsync(process);
        await using (var connection = await other.DataSource.OpenConnectionAsync(Cancel))
            await connection.ExecuteAsync("delete from data_protection_key");

        await using var later = Process(other);
        (await Should.ThrowAsync<InputException>(() => ReadyAsync(later))).Message.ShouldContain("restore that table from the same backup as identifier_key");
    }

    [Fact]
    public async Task A_restored_backup_opens_what_was_sealed_before_it()
    {
        await using var source = new BackupWorld(await TestDatabase.MigratedAsync());
        byte[] box;
        await using (var process = Process(source.Database))
            box = (await ReadyAsync(process)).Seal("ann@example.com"u8, Context);
        var backup = await source.BackUpAsync();
        await using var target = new BackupWorld(await TestDatabase.EmptyAsync());
        await target.RestoreAsync(backup.Folder);

        await using var restored = Process(target.Database);
        Encoding.UTF8.GetString((await ReadyAsync(restored)).Open(box, Context)).ShouldBe("ann@example.com");
    }

    [Fact]
    public async Task The_application_can_neither_change_nor_remove_a_key()
    {
        await using var process = Process(database);
        await ReadyAsync(process);
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);

        foreach (var forbidden in new[] { "update identifier_key set wrapped = ''", "delete from identifier_key", "truncate identifier_key" })
            (await Should.ThrowAsync<PostgresException>(() => connection.ExecuteAsync(forbidden), forbidden)).SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege, forbidden);
    }

    [Fact]
    public async Task Nothing_is_sealed_before_the_keys_are_read()
    {
        await using var process = Process(database);

        Should.Throw<InvalidOperationException>(() => process.GetRequiredService<Sealer>().Seal("x"u8, Context)).Message.ShouldContain("ReadyAsync");
    }
}
