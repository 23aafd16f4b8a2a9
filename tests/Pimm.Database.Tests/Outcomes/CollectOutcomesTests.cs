using System.Text.Json;
using Dapper;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;
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
