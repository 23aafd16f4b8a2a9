using System.Text.Json;
using Pimm.Core.Importing;
using Pimm.Core.Promoting;
using Pimm.Core.Training;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>Champions from the command line: a line with three versions that learn nothing.</summary>
public sealed class ModelsCommandTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Champions_are_promoted_shown_and_rolled_back_one_step_at_a_time()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var (line, versions) = await ThreeVersionsAsync(database);

        (await TextAsync(database, "models", "promote", $"{versions[1]}", "--reason", "newer")).ShouldBe($"Version 2 is the champion of line {line} \"chance\", version 1 was.\n");
        await TextAsync(database, "models", "promote", $"{versions[2]}", "--reason", "newer still");
        (await TextAsync(database, "models", "rollback", $"{line}", "--reason", "odd")).ShouldBe($"Line {line} \"chance\" is back at version 2; version 3 is not promoted again by night.\n");

        var listed = (await JsonAsync(database, "models", "list", "--json")).GetProperty("lines")[0];
        listed.GetProperty("champion").GetInt64().ShouldBe(versions[1]);
        listed.GetProperty("versions").EnumerateArray().Select(v => (v.GetProperty("version").GetInt32(), v.GetProperty("champion").GetBoolean())).ShouldBe([(3, false), (2, true), (1, false)]);
        (await TextAsync(database, "models", "list", "--line", $"{line}")).ShouldContain($"*     {versions[1]}  version 2, trained");

        (await JsonAsync(database, "models", "rollback", $"{line}", "--reason", "odd too", "--json")).GetProperty("champion").GetInt64().ShouldBe(versions[0]);
        var refused = await PimmProcess.RunAsync(database, "models", "rollback", $"{line}", "--reason", "once more");
        refused.ExitCode.ShouldBe(2);
        refused.Error.Trim().ShouldBe("The line \"chance\" has had no champion before version 1: promote another version with `pimm models promote`.");

        var shown = await JsonAsync(database, "models", "show", $"{versions[2]}", "--json");
        (shown.GetProperty("version").GetInt32(), shown.GetProperty("champion").GetBoolean(), shown.GetProperty("judgement").ValueKind).ShouldBe((3, false, JsonValueKind.Null));
        (await JsonAsync(database, "models", "judge", $"{line}", "--json")).GetProperty("result").GetProperty("decision").GetString().ShouldBe("none");
        var ledger = await new PromotionStore(database.DataSource, TimeProvider.System).LedgerAsync(line, Cancel);
        ledger.RolledBack.ShouldBe([versions[2], versions[1]], ignoreOrder: true);
    }

    private static async Task<(long Line, long[] Versions)> ThreeVersionsAsync(TestDatabase database)
    {
        var audience = await new AudienceStore(database.DataSource, TimeProvider.System).CreateAsync("people", "customer", [new AudienceColumn("age", "number")], ["click"], cancellationToken: Cancel);
        var models = new ModelStore(database.DataSource, TimeProvider.System);
        var line = await models.CreateLineAsync(audience, "chance", "random", cancellationToken: Cancel);
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        var versions = new long[3];
        for (var version = 0; version < versions.Length; version++)
        {
            versions[version] = await models.AddVersionAsync(connection, line, version, new StoredModel("""{"model":"random"}""", null, null), 0, null, null);
        }

        await models.PromoteAsync(connection, versions[0], "training", "the line's first version");
        return (line, versions);
    }

    private static async Task<string> TextAsync(TestDatabase database, params string[] arguments)
    {
        var process = await PimmProcess.RunAsync(database, arguments);
        process.ExitCode.ShouldBe(0, process.Error);
        return process.Output;
    }

    private static async Task<JsonElement> JsonAsync(TestDatabase database, params string[] arguments) =>
        JsonDocument.Parse(await TextAsync(database, arguments)).RootElement;
}
