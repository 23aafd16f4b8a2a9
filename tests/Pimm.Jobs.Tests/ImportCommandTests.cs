using Dapper;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

public sealed class ImportCommandTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_check_says_what_would_be_created_and_updated_and_writes_nothing()
    {
        var folder = Directory.CreateTempSubdirectory("pimm-check-").FullName;
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
        Directory.Delete(folder, recursive: true);
    }
}
