using System.CommandLine;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Pimm.Core;
using Pimm.Core.Queueing;
using Pimm.Jobs.CommandLine;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

public sealed class CommandLineTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Required command was not provided: see pimm --help.")]
    [InlineData("There is no \"fly\" here: see pimm --help.", "fly")]
    [InlineData("There is no \"--high\" here: see pimm runs list --help.", "runs", "list", "--high")]
    [InlineData("--limit is \"few\": give a whole number: see pimm suppress list --help.", "suppress", "list", "--limit", "few")]
    [InlineData("\"one\" is no run's number: see pimm runs list.", "runs", "show", "one")]
    public async Task Wrong_arguments_are_exit_code_2_and_one_sentence(string sentence, params string[] arguments)
    {
        var ran = await PimmProcess.RunAsync(null, arguments);

        (ran.ExitCode, ran.Output, ran.Error).ShouldBe((2, "", sentence + "\n"));
    }

    [Fact]
    public async Task Without_a_database_a_verb_that_needs_one_says_so()
    {
        var ran = await PimmProcess.RunAsync(null, "runs", "list");

        ran.ExitCode.ShouldBe(2);
        ran.Error.ShouldBe("No database is set: start one with ./pimm up, or set Database__ConnectionString to a PostgreSQL connection string.\n");
    }

    [Fact]
    public void A_worker_finds_everything_its_jobs_need_and_each_kind_once()
    {
        var builder = PimmHost.CreateBuilder();
        builder.Configuration["Database:ConnectionString"] = "Host=nowhere;Username=x;Database=x";
        builder.Services.AddWorker();
        using var services = builder.Services.BuildServiceProvider();

        services.GetServices<IHostedService>().OfType<Worker>().ShouldHaveSingleItem();
        services.GetServices<IJob>().Select(job => job.Kind).ShouldBeUnique();
    }

    [Fact]
    public async Task Migrate_brings_an_empty_database_up_to_date_and_doctor_sees_it()
    {
        await using var database = await TestDatabase.EmptyAsync();

        var before = await PimmProcess.RunAsync(database, "doctor", "--json");
        var migrated = await PimmProcess.RunAsync(database, "migrate", "--json");
        var again = await PimmProcess.RunAsync(database, "migrate");

        Finding(before.Output, "migrations").ShouldContain("run ./pimm migrate");
        before.ExitCode.ShouldBe(1);
        migrated.ExitCode.ShouldBe(0);
        JsonDocument.Parse(migrated.Output).RootElement.GetProperty("applied").GetArrayLength().ShouldBeGreaterThan(0);
        again.Output.ShouldContain("0 applied now");
        Finding((await PimmProcess.RunAsync(database, "doctor", "--json")).Output, "migrations").ShouldBe("up to date");
    }

    [Fact]
    public async Task Runs_are_listed_shown_cancelled_and_tried_again_as_JSON()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var id = await new JobQueue(database.DataSource).EnqueueAsync(new JobRequest("wait", "test", new { Steps = 2 }), Cancel);

        var listed = await PimmProcess.RunAsync(database, "runs", "list", "--json");
        var shown = await PimmProcess.RunAsync(database, "runs", "show", $"{id}", "--json");
        var cancelled = await PimmProcess.RunAsync(database, "runs", "cancel", $"{id}", "--json");
        var retried = await PimmProcess.RunAsync(database, "runs", "retry", $"{id}", "--json");
        var refused = await PimmProcess.RunAsync(database, "runs", "retry", $"{id}");

        JsonDocument.Parse(listed.Output).RootElement.GetProperty("runs")[0].GetProperty("dedupeKey").GetString().ShouldBe("test");
        JsonDocument.Parse(shown.Output).RootElement.GetProperty("run").GetProperty("arguments").GetProperty("steps").GetInt32().ShouldBe(2);
        JsonDocument.Parse(cancelled.Output).RootElement.GetProperty("state").GetString().ShouldBe("cancelled");
        JsonDocument.Parse(retried.Output).RootElement.GetProperty("state").GetString().ShouldBe("queued");
        (refused.ExitCode, refused.Error).ShouldBe((2, $"Run {id} is queued: only a failed or cancelled run can be tried again.\n"));
    }

    [Fact]
    public async Task A_verb_that_was_interrupted_ends_with_130()
    {
        await using var database = await TestDatabase.EmptyAsync();
        await using var blocker = await database.Owner.OpenConnectionAsync(Cancel);
        await using (var takeLock = new Npgsql.NpgsqlCommand("select pg_advisory_lock(x'50494D4D'::bigint)", blocker))
            await takeLock.ExecuteNonQueryAsync(Cancel);
        await using var waiting = PimmProcess.Start(database, "migrate");
        await Task.Delay(2_000, Cancel);

        waiting.Signal("INT");

        (await waiting.ExitedAsync()).ShouldBe(130);
        waiting.Error.ShouldBe("Interrupted.\n");
    }

    [Fact]
    public async Task What_a_verb_throws_becomes_its_exit_code_and_one_sentence()
    {
        (await RunAsync(_ => throw new InputException("Column x is missing: add it."))).ShouldBe((2, "Column x is missing: add it.\n"));
        (await RunAsync(_ => throw new InvalidOperationException("The disk is on fire: leave."))).ShouldBe((1, "The disk is on fire: leave.\n"));
        (await RunAsync(_ => 0)).ShouldBe((0, ""));
    }

    [Fact]
    public async Task JSON_has_full_doubles_named_infinities_and_null_for_absent_values()
    {
        using var output = new StringWriter();
        await CommandLineHost.RunAsync(["v", "--json"], [new Command("v", "") { Invocation.JsonOption }.Does((call, _) =>
        {
            call.Print(new { Third = 1d / 3, Endless = double.NegativeInfinity, Absent = (string?)null }, _ => { });
            return Task.FromResult(0);
        })], output, TextWriter.Null);

        output.ToString().ReplaceLineEndings("").Replace(" ", "").ShouldBe("""{"third":0.3333333333333333,"endless":"-Infinity","absent":null}""");
    }

    private static async Task<(int, string)> RunAsync(Func<Invocation, int> body)
    {
        using var error = new StringWriter { NewLine = "\n" };
        var code = await CommandLineHost.RunAsync(["v"], [new Command("v", "").Does((call, _) => Task.FromResult(body(call)))], TextWriter.Null, error);
        return (code, error.ToString());
    }

    private static string Finding(string json, string name) =>
        JsonDocument.Parse(json).RootElement.GetProperty("findings").EnumerateArray().Single(finding => finding.GetProperty("name").GetString() == name).GetProperty("note").GetString()!;
}
