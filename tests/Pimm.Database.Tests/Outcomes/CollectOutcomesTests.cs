using System.Text.Json;
using Dapper;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;
using Pimm.Database.Tests.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Outcomes;

public sealed class CollectOutcomesTests : IAsyncLifetime
{
    private const string Header = "event_id,kind,customer,campaign,wave,stage,occurred_at,amount\n";

    private readonly DirectoryInfo inbox = Directory.CreateTempSubdirectory("pimm-inbox-");
    private PimmInstance pimm = null!;
    private long audience;
    private int collected;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        pimm = await PimmInstance.StartAsync(new Dictionary<string, string?> { ["Outcomes:Inbox"] = inbox.FullName, ["Outcomes:Quiet"] = "00:00:00.2" });
        audience = await pimm.Service<AudienceStore>().CreateAsync("people", "key", [new("age", "number")], ["click"], cancellationToken: Cancel);
        var customers = pimm.Write("customers.csv", "key,age\na,1\nb,2\n");
        (await pimm.RunAsync(new JobRequest(ImportFile.JobKind, "customers", new ImportRequest(audience, "customers", customers)), Cancel)).State.ShouldBe(JobStates.Succeeded);
    }

    public async ValueTask DisposeAsync()
    {
        await pimm.DisposeAsync();
        inbox.Delete(recursive: true);
    }

    [Fact]
    public async Task A_dropped_file_is_imported_once_and_leaves_the_inbox_when_its_events_are_counted()
    {
        Drop("people/march.csv", "e1,outcome,a,,,,2026-03-05T00:00:00Z,7\n");
        Drop($"{audience}/crm/march.csv", "e1,outcome,a,,,,2026-03-05T00:00:00Z,8\n");
        Drop("people/later.csv.tmp", "e9,outcome,b,,,,2026-03-05T00:00:00Z,9\n");
        Drop("people/later.csv.part", "e9,outcome,b,,,,2026-03-05T00:00:00Z,9\n");

        (await CollectAsync()).GetProperty("importing").GetInt32().ShouldBe(2);
        await ImportedAsync();
        (await CollectAsync()).GetProperty("taken").GetInt32().ShouldBe(2);

        Files().ShouldBe([$"{audience}/crm/taken/march.csv", "people/later.csv.part", "people/later.csv.tmp", "people/taken/march.csv"], ignoreOrder: true);
        (await AmountsAsync()).ShouldBe([("crm", 8), ("inbox", 7)]);

        Drop("people/march.csv", "e1,outcome,a,,,,2026-03-05T00:00:00Z,7\n");
        (await CollectAsync()).GetProperty("taken").GetInt32().ShouldBe(1);
        Files().ShouldContain("people/taken/2-march.csv");
        (await AmountsAsync()).Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_refused_file_lies_beside_the_reason_and_is_tried_again_when_it_is_dropped_again()
    {
        const string unknown = "e1,outcome,c,,,,2026-03-05T00:00:00Z,7\n";
        Drop("people/strange.csv", unknown);
        await CollectAsync();
        await ImportedAsync();

        (await CollectAsync()).GetProperty("refused").GetInt32().ShouldBe(1);

        var reason = Files().Single(f => f.EndsWith(".txt"));
        reason.ShouldStartWith("people/refused/strange.csv.");
        (await File.ReadAllTextAsync(Path.Combine(inbox.FullName, reason), Cancel)).ShouldContain("no customer of this audience has this key");
        Files().Count.ShouldBe(2);

        var customers = pimm.Write("more.csv", "key,age\na,1\nb,2\nc,3\n");
        await pimm.RunAsync(new JobRequest(ImportFile.JobKind, "more", new ImportRequest(audience, "customers", customers)), Cancel);
        Drop("people/strange-again.csv", unknown);
        (await CollectAsync()).GetProperty("importing").GetInt32().ShouldBe(1);
        await ImportedAsync();
        (await CollectAsync()).GetProperty("taken").GetInt32().ShouldBe(1);
        (await AmountsAsync()).ShouldBe([("inbox", 7)]);
    }

    [Fact]
    public async Task A_file_of_which_some_rows_were_put_aside_is_imported_again_when_it_is_dropped_again()
    {
        var rows = string.Concat(Enumerable.Range(1, 30).Select(no => $"e{no},outcome,{(no == 7 ? "c" : "a")},,,,2026-03-05T00:00:00Z,{no}\n"));
        Drop("people/early.csv", rows);
        await CollectAsync();
        await ImportedAsync();
        (await CollectAsync()).GetProperty("taken").GetInt32().ShouldBe(1);
        (await AmountsAsync()).Count.ShouldBe(29);

        var customers = pimm.Write("more.csv", "key,age\na,1\nb,2\nc,3\n");
        await pimm.RunAsync(new JobRequest(ImportFile.JobKind, "more", new ImportRequest(audience, "customers", customers)), Cancel);
        Drop("people/early.csv", rows);
        (await CollectAsync()).GetProperty("importing").GetInt32().ShouldBe(1);
        await ImportedAsync();
        (await CollectAsync()).GetProperty("taken").GetInt32().ShouldBe(1);
        (await AmountsAsync()).Sum(amount => amount.Item2).ShouldBe(30 * 31 / 2);

        // All of it is counted now: once more has nothing to do.
        Drop("people/early.csv", rows);
        (await CollectAsync()).GetProperty("taken").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task A_file_written_anew_or_taken_away_while_it_is_put_away_stays_for_the_next_time()
    {
        Drop("people/gone.csv", "e1,outcome,a,,,,2026-03-05T00:00:00Z,1\n");
        Drop("people/march.csv", "e2,outcome,a,,,,2026-03-05T00:00:00Z,2\n");
        await CollectAsync();
        await ImportedAsync();
        await pimm.StopWorkerAsync();
        var reached = 0;
        await using (await FaultyWorker.StartAsync(pimm, [CollectOutcomes.JobKind], (_, point) =>
        {
            if (point != "collect.looked-at") return;
            if (reached++ == 0)
                File.Delete(Path.Combine(inbox.FullName, "people/gone.csv"));
            else
                Drop("people/march.csv", "e3,outcome,b,,,,2026-03-05T00:00:00Z,40\n");
        }))
        {
            var found = await CollectAsync();
            (found.GetProperty("changed").GetInt32(), found.GetProperty("taken").GetInt32()).ShouldBe((2, 0));
        }

        Files().ShouldBe(["people/march.csv"]);
        await using var worker = await FaultyWorker.StartAsync(pimm, [CollectOutcomes.JobKind, ImportOutcomes.JobKind], (_, _) => { });
        (await CollectAsync()).GetProperty("importing").GetInt32().ShouldBe(1);
        await ImportedAsync();
        (await CollectAsync()).GetProperty("taken").GetInt32().ShouldBe(1);
        (await AmountsAsync()).Sum(amount => amount.Item2).ShouldBe(43);
    }

    [Fact]
    public async Task Only_what_was_wrong_with_the_content_is_a_refusal()
    {
        Drop("people/good.csv", "e1,outcome,a,,,,2026-03-05T00:00:00Z,1\n");
        Drop("people/strange.csv", "e2,outcome,nobody,,,,2026-03-05T00:00:00Z,2\n");
        await pimm.StopWorkerAsync();
        await using var collector = await FaultyWorker.StartAsync(pimm, [CollectOutcomes.JobKind], (_, _) => { });
        (await CollectAsync()).GetProperty("importing").GetInt32().ShouldBe(2);
        var (place, away) = (Path.Combine(inbox.FullName, "people/good.csv"), Path.Combine(inbox.FullName, "good.csv"));
        // A worker that does not see the file, and a refusal that comes with the last attempt.
        File.Move(place, away);
        await using var importer = await FaultyWorker.StartAsync(pimm, [ImportOutcomes.JobKind], (run, point) =>
        {
            if (point == "import.chunk-done" && run.Attempt < 3) throw new InvalidOperationException("broken");
        });
        await ImportedAsync();
        File.Move(away, place);

        var found = await CollectAsync();

        (found.GetProperty("failed").GetInt32(), found.GetProperty("refused").GetInt32()).ShouldBe((1, 1));
        Files().Count(file => file.StartsWith("people/refused/strange.csv.")).ShouldBe(2);
        Files().ShouldContain("people/good.csv");
        var imports = await pimm.Service<JobQueue>().ListAsync(kind: ImportOutcomes.JobKind, cancellationToken: Cancel);
        imports.Select(run => run.Attempt).ShouldBe([1, 3], ignoreOrder: true);
        await pimm.Service<JobQueue>().RetryAsync(imports.Single(run => run.Attempt == 1).Id, Cancel);
        await ImportedAsync();
        (await CollectAsync()).GetProperty("taken").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task A_file_that_is_still_growing_waits_and_a_folder_of_nobody_is_named()
    {
        Drop("people/growing.csv", "e1,outcome,a,,,,2026-03-05T00:00:00Z,7\n");
        Drop("nobody/lost.csv", "e1,outcome,a,,,,2026-03-05T00:00:00Z,7\n");
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await File.AppendAllTextAsync(Path.Combine(inbox.FullName, "people/growing.csv"), "e2,outcome,b,,,,2026-03-05T00:00:00Z,7\n", Cancel);
                await Task.Delay(10, Cancel);
            }
        }, Cancel);

        var found = await CollectAsync();

        await stop.CancelAsync();
        await writing;
        (found.GetProperty("unfinished").GetInt32(), found.GetProperty("failed").GetInt32(), found.GetProperty("importing").GetInt32()).ShouldBe((1, 1, 0));
        Files().ShouldBe(["nobody/lost.csv", "people/growing.csv"], ignoreOrder: true);
    }

    [Fact]
    public async Task An_empty_or_missing_inbox_is_no_failure()
    {
        inbox.Delete();
        (await CollectAsync()).GetProperty("importing").GetInt32().ShouldBe(0);
        inbox.Create();
    }

    private void Drop(string name, string rows)
    {
        var path = Path.Combine(inbox.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, Header + rows);
    }

    private List<string> Files() => [.. Directory.EnumerateFiles(inbox.FullName, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(inbox.FullName, f))];

    private async Task<JsonElement> CollectAsync()
    {
        var run = await pimm.RunAsync(new JobRequest(CollectOutcomes.JobKind, $"collect {++collected}", new { }), Cancel);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        return JsonDocument.Parse(run.Result!).RootElement;
    }

    private async Task ImportedAsync()
    {
        foreach (var run in await pimm.Service<JobQueue>().ListAsync(kind: ImportOutcomes.JobKind, cancellationToken: Cancel))
        {
            await pimm.Service<JobQueue>().WaitAsync(run.Id, Cancel);
        }
    }

    private async Task<List<(string, double)>> AmountsAsync()
    {
        await using var connection = await pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return [.. await connection.QueryAsync<(string, double)>("select source, amount from customer_outcome order by source")];
    }
}
