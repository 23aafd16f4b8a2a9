using System.Text.Json;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

public sealed class KeysCommandTests
{
    [Fact]
    public async Task A_key_is_printed_once_listed_without_its_secret_and_revoked()
    {
        await using var database = await TestDatabase.MigratedAsync();

        var made = await JsonAsync(database, "keys", "create", "push channel", "--scopes", "runs:read,outcomes:write", "--expires", "2d", "--json");
        var (key, prefix) = (made.GetProperty("key").GetString()!, made.GetProperty("prefix").GetString()!);
        var listed = await PimmProcess.RunAsync(database, "keys", "list");
        var revoked = await PimmProcess.RunAsync(database, "keys", "revoke", prefix);
        var after = (await JsonAsync(database, "keys", "list", "--json")).GetProperty("keys")[0];

        key.ShouldStartWith($"pimm_{prefix}_");
        made.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString()).ShouldBe(["outcomes:write", "runs:read"]);
        listed.Output.ShouldContain($"{prefix}  usable");
        listed.Output.ShouldNotContain(key[14..]);
        revoked.Output.ShouldBe($"The key {prefix} of \"push channel\" is revoked.\n");
        (after.GetProperty("state").GetString(), after.GetProperty("revokedBy").GetString()).ShouldBe(("revoked", $"cli:{Environment.UserName}"));
    }

    [Fact]
    public async Task A_name_in_use_is_given_to_another_key_only_to_replace_the_first()
    {
        await using var database = await TestDatabase.MigratedAsync();
        string[] create = ["keys", "create", "shop", "--scopes", "runs:read"];
        var first = (await JsonAsync(database, [.. create, "--json"])).GetProperty("prefix").GetString()!;

        var taken = await PimmProcess.RunAsync(database, create);
        var wrong = await PimmProcess.RunAsync(database, [.. create, "--replaces", "abcdefgh"]);
        var second = (await JsonAsync(database, [.. create, "--replaces", first, "--json"])).GetProperty("prefix").GetString()!;
        await PimmProcess.RunAsync(database, "keys", "revoke", first);
        await PimmProcess.RunAsync(database, "keys", "revoke", second);

        (taken.ExitCode, taken.Error).ShouldBe((2, $"The name \"shop\" is that of the key {first}: choose another, or replace that key with --replaces {first}.\n"));
        (wrong.ExitCode, wrong.Error).ShouldBe((2, "There is no usable key \"abcdefgh\" of the name \"shop\" to replace: `pimm keys list` shows names and prefixes.\n"));
        (await PimmProcess.RunAsync(database, create)).ExitCode.ShouldBe(0);
    }

    [Theory]
    [InlineData("There is no scope \"everything\"", "keys", "create", "a", "--scopes", "everything")]
    [InlineData("--expires is \"soon\": write a number of days as 90d.", "keys", "create", "a", "--scopes", "runs:read", "--expires", "soon")]
    [InlineData("choose 1 to 730", "keys", "create", "a", "--scopes", "runs:read", "--expires", "900d")]
    [InlineData("There is no key \"abcdefgh\"", "keys", "revoke", "abcdefgh")]
    public async Task What_cannot_be_is_refused_with_a_sentence(string sentence, params string[] arguments)
    {
        await using var database = await TestDatabase.MigratedAsync();

        var refused = await PimmProcess.RunAsync(database, arguments);

        refused.ExitCode.ShouldBe(2);
        refused.Error.ShouldContain(sentence);
    }

    private static async Task<JsonElement> JsonAsync(TestDatabase database, params string[] arguments)
    {
        var answer = await PimmProcess.RunAsync(database, arguments);
        answer.ExitCode.ShouldBe(0, answer.Error);
        return JsonDocument.Parse(answer.Output).RootElement;
    }
}
