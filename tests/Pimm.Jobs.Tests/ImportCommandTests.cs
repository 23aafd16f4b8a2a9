using Dapper;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>The first file of an audience, and what is asked of files and folders that are not there.</summary>
public sealed class ImportCommandTests : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("pimm-import-").FullName;
    private TestDatabase database = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => database = await TestDatabase.MigratedAsync();

    public async ValueTask DisposeAsync()
    {
        await database.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Nothing_is_made_of_a_first_file_that_is_refused_and_the_corrected_mapping_makes_the_audience()
    {
        var people = Write("people.csv", "ref,age,city\nc1,31,Kiel\nc2,old,Kiel\nc3,33,Bremen\n");
        var wrong = Write("wrong.json", """{"columns":[{"column":"ref","role":"key"},{"column":"age","role":"feature","type":"number"}]}""");
        var right = Write("right.json", """{"columns":[{"column":"ref","role":"key"},{"column":"city","role":"feature","type":"text"}]}""");

        var refused = await RunAsync("customers", people, "--audience", "savers", "--map", wrong);
        var misspelt = await RunAsync("history", people, "--audience", "savers", "--map", wrong, "--order", "sideways");
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        var left = await connection.ExecuteScalarAsync<long>("select count(*) from audience");
        var taken = await RunAsync("customers", people, "--audience", "savers", "--map", right);

        refused.ExitCode.ShouldBe(2);
        refused.Error.ShouldContain("1 of 3 rows (33.33 %) of people.csv cannot be used");
        misspelt.ExitCode.ShouldBe(2);
        left.ShouldBe(0);
        (taken.ExitCode, taken.Error).ShouldBe((0, ""));
        taken.Output.ShouldContain("3 rows = 3 created + 0 updated + 0 skipped + 0 quarantined");
    }

    [Fact]
    public async Task Without_a_mapping_columns_that_name_persons_are_no_attributes()
    {
        var people = Write("people.csv", "ref,age,mail\nc1,31,a@example.com\nc2,32,b@example.com\n");

        var refused = await RunAsync("customers", people, "--audience", "savers", "--key", "ref");
        var taken = await RunAsync("customers", people, "--audience", "savers", "--key", "ref", "--ignore", "mail");

        refused.ExitCode.ShouldBe(2);
        refused.Error.ShouldStartWith("Columns that seem to name persons: 'mail'.");
        taken.ExitCode.ShouldBe(0, taken.Error);
    }

    [Fact]
    public async Task A_check_says_what_would_be_created_and_updated_and_writes_nothing()
    {
        var (first, second) = (Path.Combine(folder, "first.csv"), Path.Combine(folder, "second.csv"));
        await File.WriteAllTextAsync(first, "ref,age\nc1,30\nc2,31\n", Cancel);
        await File.WriteAllTextAsync(second, "ref,age\nc2,40\nc3,41\nc4,42\nc5,old\n", Cancel);

        var unknown = await PimmProcess.RunAsync(database, "import", "customers", first, "--audience", "checked", "--key", "ref", "--check");
        var imported = await PimmProcess.RunAsync(database, "import", "customers", first, "--audience", "checked", "--key", "ref");
        var check = await PimmProcess.RunAsync(database, "import", "customers", second, "--audience", "checked", "--check");

        (unknown.ExitCode, unknown.Error.Split(':')[0]).ShouldBe((2, "There is no audience named \"checked\""));
        imported.ExitCode.ShouldBe(0, imported.Error);
        check.ExitCode.ShouldBe(0, check.Error);
        var lines = check.Output.Split('\n');
        lines[0].ShouldBe("4 rows: 2 would be created, 1 updated, 0 skipped, 1 put aside. Nothing was written.");
        lines[1].ShouldStartWith("       1  bad_number ");
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        (await connection.ExecuteScalarAsync<long>("select count(*) from import_file")).ShouldBe(1);
        (await connection.ExecuteScalarAsync<long>("select count(*) from audience_version")).ShouldBe(1);
    }

    [Fact]
    public async Task What_is_not_there_is_said_in_one_sentence()
    {
        var people = Write("people.csv", "ref,age\nc1,31\n");

        (await RunAsync("detect", folder)).Error.ShouldBe($"'{folder}' is a folder; name the file in it.\n");
        (await RunAsync("detect", people, "--write-map", Path.Combine(folder, "none", "m.json"))).ShouldBe((2, "", $"There is no folder {folder}/none for m.json: make it, or name another file.\n"));
        (await RunAsync("undo", "x")).ShouldBe((2, "", "The argument is \"x\": give a whole number: see pimm import undo --help.\n"));
        (await PimmProcess.RunAsync(database, "audit", "verify", "--from", "99")).Error.ShouldStartWith("--from is 99: the log has no such row yet");
        (await PimmProcess.RunAsync(database, "erase", "--customer-ref", "nobody")).Error.ShouldContain("No audience has a customer of this key: check it");
        (await PimmProcess.RunAsync(database, "suppress", "add", "--phone", "0151 2340010", "--default-country", "XX", "--source", "call")).Error.ShouldBe("--default-country is \"XX\": give the two letters of ISO 3166, as DE or US.\n");
        (await PimmProcess.RunAsync(database, "suppress", "add", "--customer-ref", "nobody", "--source", "call")).Output.ShouldContain("No audience has a customer of this key: check it");
    }

    private string Write(string name, string content)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, content);
        return path;
    }

    private Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments) => PimmProcess.RunAsync(database, ["import", .. arguments]);
}
