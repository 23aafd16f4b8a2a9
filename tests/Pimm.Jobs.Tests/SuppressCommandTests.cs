using System.Text.Json;
using Dapper;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

public sealed class SuppressCommandTests : IAsyncLifetime
{
    private const string Email = "petra.lindwurm@example.org";

    private readonly string folder = Directory.CreateTempSubdirectory("pimm-suppress-").FullName;
    private TestDatabase database = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => database = await TestDatabase.MigratedAsync();

    public async ValueTask DisposeAsync()
    {
        await database.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task An_opt_out_is_recorded_checked_listed_without_the_address_and_lifted_by_name()
    {
        var added = await RunAsync("add", "--email", Email, "--source", "letter of 3 May");
        added.ShouldBe((0, "Suppressed from now on, on lists that are allocated already too.", ""));
        (await RunAsync("add", "--email", Email.ToUpperInvariant(), "--source", "again")).Output.ShouldBe("It is suppressed so already.");

        var check = await RunAsync("check", "--email", Email);
        check.Output.ShouldStartWith("Withheld:\n  do-not-contact, every channel, since ");
        check.Output.ShouldContain("(letter of 3 May; recorded by cli:");
        var list = await RunAsync("list");
        list.Output.ShouldContain("1  do-not-contact by email, every channel");
        list.Output.ShouldNotContain("petra");

        (await RunAsync("lift", "--email", Email)).Error.ShouldContain("required");
        (await RunAsync("lift", "--email", Email, "--because", "asked for it", "--role", "data protection officer")).Output.ShouldBe("1 opt-outs do not hold any more.");
        (await RunAsync("check", "--email", Email)).Output.ShouldBe("Not withheld.");
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        (await connection.ExecuteScalarAsync<string>("select recorded_by from suppression where lifted")).ShouldEndWith("(data protection officer)");
        (await connection.ExecuteScalarAsync<string>("select string_agg(t::text, '') from audit_event t"))!.ShouldNotContain("petra");
    }

    [Fact]
    public async Task A_list_s_rows_are_all_accounted_for_and_hashes_are_called_useless()
    {
        var path = Path.Combine(folder, "out.csv");
        await File.WriteAllTextAsync(path, "name,mail\nA,a@example.org\nB,A@example.org \nC,\nD,65b7e6dc65b7e6dc65b7e6dc65b7e6dc65b7e6dc65b7e6dc65b7e6dc65b7e6dc\n", Cancel);

        var run = await RunAsync("import", path, "--column", "mail", "--source", "agency");

        run.ExitCode.ShouldBe(0, run.Error);
        run.Output.ShouldStartWith("4 rows: 1 suppressed, 1 were so already, 2 cannot be used\n1 of them are hashes: a plain SHA-256 cannot be compared");
    }

    [Theory]
    [InlineData("Name the person once", "add", "--source", "letter")]
    [InlineData("Name the person once", "add", "--source", "letter", "--email", "a@example.org", "--customer-ref", "7")]
    [InlineData("The e-mail address cannot be used", "add", "--source", "letter", "--email", "nobody")]
    [InlineData("An objection is to the use of the data", "add", "--source", "letter", "--email", "a@example.org", "--reason", "objection", "--channel", "meta")]
    [InlineData("The channel \"fax\" is unknown", "add", "--source", "letter", "--email", "a@example.org", "--channel", "fax")]
    public async Task What_cannot_be_meant_is_refused_in_a_sentence(string sentence, params string[] arguments)
    {
        var run = await RunAsync(arguments);

        (run.ExitCode, run.Output).ShouldBe((2, ""));
        run.Error.ShouldStartWith(sentence);
    }

    [Fact]
    public async Task Erasing_asks_first_and_says_what_it_did()
    {
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        (await RunAsync("add", "--customer-ref", "K-1", "--source", "letter")).ExitCode.ShouldBe(0);

        var asked = await PimmProcess.RunAsync(database, "erase", "--customer-ref", "K-1");
        asked.ExitCode.ShouldBe(2);
        asked.Error.ShouldContain("Nothing was erased: give --yes.");
        (await connection.ExecuteScalarAsync<long>("select count(*) from erasure")).ShouldBe(0);

        var settings = new Dictionary<string, string> { ["Outcomes__Inbox"] = folder, ["Exporting__Folder"] = folder, ["Importing__Uploads"] = folder };
        var erased = await PimmProcess.RunAsync(database, settings, "erase", "--customer-ref", "K-1", "--yes", "--json");
        erased.ExitCode.ShouldBe(0, erased.Error);
        var counts = JsonDocument.Parse(erased.Output).RootElement.GetProperty("erased")[0].GetProperty("counts");
        counts.GetProperty("identifiers").GetInt64().ShouldBe(0);
        counts.EnumerateObject().Count().ShouldBeGreaterThan(10);

        await connection.ExecuteAsync("update erasure set counts = counts || '{\"identifiers\": 41}'");
        var again = await PimmProcess.RunAsync(database, settings, "erase", "--customer-ref", "K-1", "--yes");
        again.ExitCode.ShouldBe(0, again.Error);
        again.Output.ShouldMatch(@"(?s)was erased already, on \d{4}-\d\d-\d\d \d\d:\d\d UTC:.*41  identifiers.*Looked again \(run \d+\): nothing has come since\.");
        (await PimmProcess.RunAsync(database, "erase", "--email", Email, "--yes")).Error.ShouldStartWith("No customer has this address");
    }

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var (exitCode, output, error) = await PimmProcess.RunAsync(database, ["suppress", .. arguments]);
        return (exitCode, output.TrimEnd(), error.TrimEnd());
    }
}
