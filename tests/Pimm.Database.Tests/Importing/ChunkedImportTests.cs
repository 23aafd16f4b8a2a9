using System.Globalization;
using System.Text;
using Dapper;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;
using Pimm.Database.Tests.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Importing;

/// <summary>Chunks of ten rows, and no worker but the tests' own.</summary>
public sealed class ChunkedWorld : IAsyncLifetime
{
    public PimmInstance Pimm { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Pimm = await PimmInstance.StartAsync(new Dictionary<string, string?> { ["Importing:ChunkRows"] = "10", ["Importing:Poll"] = "00:00:00.1" });
        await Pimm.StopWorkerAsync();
    }

    public ValueTask DisposeAsync() => Pimm.DisposeAsync();
}

public sealed class ChunkedImportTests(ChunkedWorld world) : IClassFixture<ChunkedWorld>
{
    private const int Rows = 95;

    private static readonly string[] Kinds = ["import", "outcomes"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Breaks { get; } = new()
    {
        { "customers", "import.chunk-copied" }, { "customers", "import.chunk-done" }, { "customers", "import.finishing" },
        { "history", "import.chunk-copied" }, { "history", "import.chunk-done" }, { "history", "import.finishing" },
        { "outcomes", "import.chunk-copied" }, { "outcomes", "import.chunk-done" }, { "outcomes", "import.finishing" },
    };

    [Theory]
    [MemberData(nameof(Breaks))]
    public async Task An_import_that_loses_its_lease_goes_on_where_it_was_without_losing_or_doubling_a_row(string kind, string point)
    {
        var audience = await AudienceAsync($"{kind} {point}");
        var id = await AskAsync(audience, kind, $"{kind}-{point}.csv", Content(kind, bad: 2));
        var (chunks, reached, seen) = (0, 0, -1L);
        await using var worker = await FaultyWorker.StartAsync(world.Pimm, Kinds, (run, name) =>
        {
            chunks += name == "import.chunk-done" ? 1 : 0;
            if (name == point && ++reached == (point == "import.finishing" ? 1 : 4))
            {
                seen = Seen(audience, kind);
                Execute($"update job_run set fence = fence + 1, lease_until = clock_timestamp() - interval '1 second' where id = {run.RunId}");
            }
        });

        var ended = await FinishedAsync(id);

        ended.State.ShouldBe(JobStates.Succeeded, ended.Error);
        seen.ShouldBe(0);
        Seen(audience, kind).ShouldBe(Rows - 2);
        var file = (await world.Pimm.Service<ImportStore>().FilesAsync(audience.Id, Cancel)).Single(f => f.Kind == kind);
        (file.Received, file.Created, file.Updated, file.Skipped, file.Quarantined).ShouldBe((Rows, Rows - 2, 0, 0, 2));
        (await world.Pimm.Service<ImportStore>().ProblemsAsync(file.Id, cancellationToken: Cancel)).Select(p => p.Line).ShouldBe([2, 60]);
        // Ten chunks and no more: none that was committed is written again. Behind the last one there is an empty one.
        chunks.ShouldBe(point == "import.finishing" ? 11 : 10);
        (await CountAsync("select count(*) from outcome_staging")).ShouldBe(0);
    }

    [Theory]
    [InlineData("customers", "import.chunk-copied")]
    [InlineData("history", "import.chunk-copied")]
    [InlineData("outcomes", "import.finishing")]
    public async Task What_a_frozen_worker_holds_is_taken_from_it_without_another_attempt(string kind, string point)
    {
        var audience = await AudienceAsync($"frozen {kind}");
        var id = await AskAsync(audience, kind, $"frozen-{kind}.csv", Content(kind, bad: 2));
        using var woken = new ManualResetEventSlim();
        var reached = 0;
        await using var worker = await FaultyWorker.StartAsync(world.Pimm, Kinds, (run, name) =>
        {
            if (name == point && run.Attempt == 1 && ++reached == (point == "import.finishing" ? 1 : 4))
            {
                Execute($"update job_run set lease_until = clock_timestamp() - interval '1 hour', fence = fence + 1 where id = {run.RunId}");
                woken.Wait(TimeSpan.FromSeconds(50), Cancel);
            }
        }, slots: 2);

        var ended = await FinishedAsync(id);
        woken.Set();

        (ended.State, ended.Attempt).ShouldBe((JobStates.Succeeded, 2), ended.Error);
        Seen(audience, kind).ShouldBe(Rows - 2);
        (await CountAsync($"select count(*) from import_file where audience_id = {audience.Id} and kind = '{kind}' and file_name like 'frozen%'")).ShouldBe(1);
    }

    [Fact]
    public async Task Waiting_outcomes_that_a_crash_of_the_database_took_are_read_again()
    {
        var audience = await AudienceAsync("crash");
        var id = await AskAsync(audience, "outcomes", "crash.csv", Content("outcomes", bad: 2));
        var reached = 0;
        await using var worker = await FaultyWorker.StartAsync(world.Pimm, Kinds, (run, name) =>
        {
            if (name == "import.chunk-done" && ++reached == 5)
            {
                // What recovery does to an unlogged table.
                Execute("delete from outcome_staging");
                throw new InvalidOperationException("The database crashed.");
            }
        });

        var ended = await FinishedAsync(id);

        (ended.State, ended.Attempt).ShouldBe((JobStates.Succeeded, 2), ended.Error);
        Seen(audience, "outcomes").ShouldBe(Rows - 2);
        reached.ShouldBe(5 + 10);
        var file = (await world.Pimm.Service<ImportStore>().FilesAsync(audience.Id, Cancel)).Single(f => f.Kind == "outcomes");
        (file.Received, file.Created, file.Quarantined).ShouldBe((Rows, Rows - 2, 2));
        (await world.Pimm.Service<ImportStore>().ProblemsAsync(file.Id, cancellationToken: Cancel)).Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("customers")]
    [InlineData("history")]
    [InlineData("outcomes")]
    public async Task Two_imports_of_the_same_bytes_at_once_have_one_effect(string kind)
    {
        var audience = await AudienceAsync($"twice {kind}");
        var content = Content(kind, bad: 2);
        var first = await AskAsync(audience, kind, $"first {kind}.csv", content);
        var second = await AskAsync(audience, kind, $"second {kind}.csv", content);
        using var waited = new ManualResetEventSlim();
        await using var worker = await FaultyWorker.StartAsync(world.Pimm, Kinds, (_, name) =>
        {
            // Outcomes of which some are bad are read again by whoever comes when they are in: so the other one must come before.
            if (name == "import.waiting") waited.Set();
            else if (name == "import.chunk-done") waited.Wait(TimeSpan.FromSeconds(20)).ShouldBeTrue();
        }, slots: 2);

        var ended = new[] { await FinishedAsync(first), await FinishedAsync(second) };

        ended.ShouldAllBe(run => run.State == JobStates.Succeeded);
        ended.Count(run => run.Result!.Contains("\"alreadyImportedAt\": null")).ShouldBe(1);
        Seen(audience, kind).ShouldBe(Rows - 2);
        (await world.Pimm.Service<ImportStore>().FilesAsync(audience.Id, Cancel)).Count(f => f.Kind == kind).ShouldBe(1);
    }

    [Fact]
    public async Task An_import_that_ends_while_another_of_the_same_bytes_begins_is_not_made_twice()
    {
        var audience = await AudienceAsync("twice, one after the other");
        var content = Content("history", bad: 2);
        var first = await AskAsync(audience, "history", "first.csv", content);
        var second = await AskAsync(audience, "history", "second.csv", content);
        using var looked = new ManualResetEventSlim();
        await using var worker = await FaultyWorker.StartAsync(world.Pimm, Kinds, (run, name) =>
        {
            if (name == "import.opened" && run.RunId == second)
            {
                // It has looked for the file and found none; now the other one ends.
                looked.Set();
                FinishedAsync(first).GetAwaiter().GetResult().State.ShouldBe(JobStates.Succeeded);
            }
            else if (name == "import.chunk-done" && run.RunId == first)
            {
                looked.Wait(TimeSpan.FromSeconds(20)).ShouldBeTrue();
            }
        }, slots: 2);

        (await FinishedAsync(second)).Result!.ShouldNotContain("\"alreadyImportedAt\": null");

        Seen(audience, "history").ShouldBe(Rows - 2);
        (await world.Pimm.Service<ImportStore>().FilesAsync(audience.Id, Cancel)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_file_of_a_run_that_failed_is_gone_on_with_by_the_next_run_of_the_same_bytes()
    {
        var audience = await AudienceAsync("taken over");
        var content = Content("customers", bad: 2);
        var id = await AskAsync(audience, "customers", "failed.csv", content, maxAttempts: 1);
        await using (await FaultyWorker.StartAsync(world.Pimm, Kinds, (_, name) =>
        {
            if (name == "import.chunk-done") throw new InvalidOperationException("broken after the first chunk");
        }))
            (await FinishedAsync(id)).State.ShouldBe(JobStates.Failed);
        (await CountAsync($"select count(*) from {audience.CustomersTable}")).ShouldBe(9);

        var chunks = 0;
        await using var worker = await FaultyWorker.StartAsync(world.Pimm, Kinds, (_, name) => chunks += name == "import.chunk-done" ? 1 : 0);
        (await FinishedAsync(await AskAsync(audience, "customers", "again.csv", content))).State.ShouldBe(JobStates.Succeeded);

        chunks.ShouldBe(9);
        Seen(audience, "customers").ShouldBe(Rows - 2);
        await Queue.RetryAsync(id, Cancel);
        (await FinishedAsync(id)).State.ShouldBe(JobStates.Succeeded);
        (await CountAsync($"select count(*) from {audience.CustomersTable}")).ShouldBeGreaterThanOrEqualTo(Rows - 2);
        (await CountAsync($"select count(*) from {audience.CustomersTable} c where not exists (select from audience_version v where v.audience_id = {audience.Id} and v.version = c.version)")).ShouldBe(0);
    }

    [Fact]
    public async Task Customers_of_a_file_that_was_given_up_are_known_to_no_outcome()
    {
        var audience = await AudienceAsync("given up");
        var id = await AskAsync(audience, "customers", "given-up.csv", Content("customers", bad: 0), maxAttempts: 1);
        await using (await FaultyWorker.StartAsync(world.Pimm, Kinds, (_, name) =>
        {
            if (name == "import.chunk-done") throw new InvalidOperationException("broken after the first chunk");
        }))
            (await FinishedAsync(id)).State.ShouldBe(JobStates.Failed);
        (await CountAsync($"select count(*) from {audience.CustomersTable}")).ShouldBe(10);

        await using var worker = await FaultyWorker.StartAsync(world.Pimm, Kinds, (_, _) => { });
        var outcomes = await FinishedAsync(await AskAsync(audience, "outcomes", "of-nobody.csv", Content("outcomes", bad: 0)));

        outcomes.Error!.ShouldStartWith("95 of 95 rows (100 %) of of-nobody.csv cannot be used");
        outcomes.Error!.ShouldContain("no customer of this audience has this key.");
        Seen(audience, "outcomes").ShouldBe(0);
    }

    [Fact]
    public async Task A_file_that_changed_under_its_import_is_refused_and_leaves_nothing()
    {
        var audience = await AudienceAsync("changed");
        var id = await AskAsync(audience, "history", "changed.csv", Content("history", bad: 2));
        await using var worker = await FaultyWorker.StartAsync(world.Pimm, Kinds, (run, name) =>
        {
            if (name == "import.chunk-done" && run.Attempt == 1)
            {
                world.Pimm.Write("changed.csv", Content("history", bad: 1));
                throw new InvalidOperationException("broken after the first chunk");
            }
        });

        (await FinishedAsync(id)).Error.ShouldBe("changed.csv was changed after this run had begun to import it; nothing was imported: import it again.");

        (await CountAsync($"select count(*) from {audience.HistoryTable}")).ShouldBe(0);
        (await CountAsync($"select count(*) from import_file where audience_id = {audience.Id} and kind = 'history'")).ShouldBe(0);
    }

    [Theory]
    [InlineData("customers")]
    [InlineData("history")]
    [InlineData("outcomes")]
    public async Task Too_many_bad_rows_at_the_end_take_away_what_was_written_before(string kind)
    {
        var audience = await AudienceAsync($"bad {kind}");
        var id = await AskAsync(audience, kind, $"bad {kind}.csv", Content(kind, bad: 30));
        await using var worker = await FaultyWorker.StartAsync(world.Pimm, Kinds, (_, _) => { });

        (await FinishedAsync(id)).Error!.ShouldStartWith($"30 of 95 rows (31.58 %) of bad {kind}.csv cannot be used, more than the 5 % allowed; nothing was imported.");

        (await CountAsync($"select (select count(*) from {audience.CustomersTable} where version > 1) + (select count(*) from {audience.HistoryTable}) + (select count(*) from outcome_staging)")).ShouldBe(0);
        (await CountAsync($"select count(*) from import_file where audience_id = {audience.Id} and kind = '{kind}' and file_name like 'bad%'")).ShouldBe(0);
    }

    private JobQueue Queue => world.Pimm.Service<JobQueue>();

    private async Task<Audience> AudienceAsync(string name)
    {
        var audiences = world.Pimm.Service<AudienceStore>();
        var audience = await audiences.GetAsync(await audiences.CreateAsync(name, "key", [new("age", "number"), new("channel", "text")], ["click", "buy"], cancellationToken: Cancel), Cancel);
        if (name.Contains("outcomes") || name == "crash")
        {
            // Outcomes are of known customers only.
            await using var worker = await FaultyWorker.StartAsync(world.Pimm, Kinds, (_, _) => { });
            (await FinishedAsync(await AskAsync(audience, "customers", $"known {name}.csv", Content("customers", bad: 0)))).State.ShouldBe(JobStates.Succeeded);
        }
        return audience;
    }

    /// <summary>Rows of which some are bad: the first one, the 59th, then those behind it.</summary>
    private static string Content(string kind, int bad)
    {
        var text = new StringBuilder(kind switch
        {
            "customers" => "key,age,channel\n",
            "history" => "key,impression_at,click,buy,age,channel\n",
            _ => "event_id,kind,customer,campaign,wave,stage,occurred_at,amount\n",
        });
        for (var row = 1; row <= Rows; row++)
        {
            var broken = bad > 0 && (row == 1 || (row > 58 && row < 58 + bad));
            text.Append(CultureInfo.InvariantCulture, $"{Line(kind, row, broken)}\n");
        }
        return text.ToString();
    }

    private static string Line(string kind, int row, bool broken) => kind switch
    {
        "customers" => $"c{row},{(broken ? "old" : row)},web",
        "history" => $"c{row},2026-01-05T10:00:00Z,0,0,{(broken ? "old" : row)},web",
        _ => $"e{row},outcome,c{row},,,,2026-03-05T00:00:00Z,{(broken ? "much" : row)}",
    };

    private Task<long> AskAsync(Audience audience, string kind, string name, string content, int maxAttempts = 5)
    {
        var path = world.Pimm.Write(name, content);
        return Queue.EnqueueAsync(kind == "outcomes"
            ? new JobRequest(ImportOutcomes.JobKind, name, new OutcomesRequest(audience.Id, path, $"channel {audience.Id}"), MaxAttempts: maxAttempts)
            : new JobRequest(ImportFile.JobKind, name, new ImportRequest(audience.Id, kind, path), MaxAttempts: maxAttempts), Cancel);
    }

    private async Task<JobRun> FinishedAsync(long id)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await Queue.WaitAsync(id, limit.Token);
    }

    /// <summary>Rows that somebody else sees: of the audience's newest version, of training's view, of outcomes.</summary>
    private long Seen(Audience audience, string kind)
    {
        using var connection = world.Pimm.Database.DataSource.OpenConnection();
        return connection.ExecuteScalar<long>(kind switch
        {
            "customers" => $"select count(*) from {audience.CustomersTable} where version = (select max(version) from audience_version where audience_id = {audience.Id})",
            "history" => $"select count(*) from {audience.TrainingHistoryView}",
            _ => $"select count(*) from customer_outcome where audience_id = {audience.Id}",
        });
    }

    private async Task<long> CountAsync(string sql)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<long>(sql);
    }

    private void Execute(string sql)
    {
        using var connection = world.Pimm.Database.DataSource.OpenConnection();
        connection.Execute(sql);
    }
}
