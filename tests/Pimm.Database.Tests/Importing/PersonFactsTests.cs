using System.Globalization;
using System.Text;
using Dapper;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Database.Tests.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Importing;

/// <summary>Identifiers and consents that come in with a customer file.</summary>
public sealed class PersonFactsTests(ChunkedWorld world) : IClassFixture<ChunkedWorld>
{
    private static readonly string[] Kinds = ["import"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static ImportMapping Mapping => new()
    {
        Columns =
        [
            new("key", "key"), new("age", "feature", "number"), new("mail", "identifier:email"), new("land", "identifier:country"),
            new("ok", "consent:news/email"), new("since", "consent-time:news/email"),
        ],
    };

    [Fact]
    public async Task What_a_file_says_of_persons_counts_only_when_the_file_is_finished()
    {
        var audience = await AudienceAsync("unfinished persons");
        var content = new StringBuilder("key,age,mail,land,ok,since\n");
        for (var row = 0; row < 25; row++)
        {
            content.Append(CultureInfo.InvariantCulture, $"w{row},30,w{row}@example.com,DE,yes,2026-01-05T10:00:00Z\n");
        }
        var chunks = 0;
        await using (await FaultyWorker.StartAsync(world.Pimm, Kinds, (_, name) =>
        {
            if (name == "import.chunk-done" && ++chunks == 2) throw new InvalidOperationException("broken after the second chunk");
        }))
            (await RunAsync(audience, "broken.csv", content.ToString())).State.ShouldBe(JobStates.Failed);
        (await CountAsync("select (select count(*) from customer_identifier) + (select count(*) from consent where granted)")).ShouldBe(0);
        (await CountAsync("select count(*) from import_identifier")).ShouldBe(40);
        (await CountAsync("select count(*) from import_consent")).ShouldBe(20);

        await using var worker = await FaultyWorker.StartAsync(world.Pimm, Kinds, (_, _) => { });
        (await RunAsync(audience, "again.csv", content.ToString())).State.ShouldBe(JobStates.Succeeded);

        (await CountAsync("select count(*) from customer_identifier")).ShouldBe(50);
        (await CountAsync("select count(*) from consent_now where granted")).ShouldBe(25);
        (await CountAsync("select (select count(*) from import_identifier) + (select count(*) from import_consent)")).ShouldBe(0);
    }

    [Fact]
    public async Task A_grant_of_the_future_is_dropped_and_a_withdrawal_counts_whatever_its_time()
    {
        var audience = await AudienceAsync("times of consents");
        await using var worker = await FaultyWorker.StartAsync(world.Pimm, Kinds, (_, _) => { });

        var run = await RunAsync(audience, "consents.csv",
            """
            key,age,mail,land,ok,since
            f1,30,,Anna Schmidt,yes,2099-01-01T00:00:00Z
            f2,30,,,no,2099-01-01T00:00:00Z
            f3,30,,,no,some day
            f4,30,,,yes,some day
            """);

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        var file = (await world.Pimm.Service<ImportStore>().FilesAsync(audience.Id, Cancel)).ShouldHaveSingleItem();
        (file.Created, file.Warnings).ShouldBe((4, 5));
        var problems = await world.Pimm.Service<ImportStore>().ProblemsAsync(file.Id, cancellationToken: Cancel);
        problems.Select(p => (p.Line, p.Code)).ShouldBe(
            [(2, ImportCode.BadIdentifier), (2, ImportCode.FutureTime), (3, ImportCode.FutureTime), (4, ImportCode.BadConsent), (5, ImportCode.BadConsent)], ignoreOrder: true);
        problems.ShouldAllBe(p => !p.Message.Contains("Anna Schmidt", StringComparison.Ordinal) && (p.Value == null || p.Value == "A•••"));
        var keys = string.Join(", ", new[] { "f1", "f2", "f3", "f4" }.Select(key => $"'{Core.Statistics.CustomerHash.Of(key)}'"));
        (await CountAsync($"select count(*) from consent where customer in ({keys}) and granted")).ShouldBe(0);
        (await CountAsync($"select count(*) from consent where customer in ({keys}) and at < now() + interval '1 minute' and at > now() - interval '10 minutes'")).ShouldBe(2);
    }

    [Fact]
    public async Task A_version_that_is_being_undone_is_not_laid_under_another()
    {
        var audience = await AudienceAsync("undone meanwhile");
        await using var worker = await FaultyWorker.StartAsync(world.Pimm, Kinds, (_, _) => { });
        (await RunAsync(audience, "below.csv", "key,age,mail,land,ok,since\nv1,30,,,,\n")).State.ShouldBe(JobStates.Succeeded);
        var below = (await world.Pimm.Service<ImportStore>().FilesAsync(audience.Id, Cancel)).ShouldHaveSingleItem();
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        await using (var undo = await connection.BeginTransactionAsync(Cancel))
        {
            await connection.ExecuteAsync("select undo_import(@Id, 'user:ada', now())", new { below.Id });

            var above = RunAsync(audience, "above.csv", "key,age,mail,land,ok,since\nv2,31,,,,\n", ImportMapping.Merge);
            while (!above.IsCompleted && await CountAsync("select count(*) from pg_locks where locktype = 'advisory' and not granted") == 0)
                await Task.Delay(20, Cancel);
            await undo.CommitAsync(Cancel);
            (await above).State.ShouldBe(JobStates.Succeeded);
        }

        (await CountAsync($"select count(*) from {audience.CustomersTable}")).ShouldBe(1);
        (await CountAsync($"select customers from audience_version where audience_id = {audience.Id}")).ShouldBe(1);
    }

    [Fact]
    public async Task Impressions_of_an_import_are_found_by_an_index()
    {
        var audience = await AudienceAsync("indexed");

        (await CountAsync($"select count(*) from pg_indexes where schemaname = 'audience' and tablename = 'history_{audience.Id}' and indexdef like '%brin (import_file_id)%'")).ShouldBe(1);
    }

    private async Task<Audience> AudienceAsync(string name)
    {
        var audiences = world.Pimm.Service<AudienceStore>();
        return await audiences.GetAsync(await audiences.CreateAsync(name, "key", [new("age", "number")], ["click"], cancellationToken: Cancel), Cancel);
    }

    private async Task<JobRun> RunAsync(Audience audience, string name, string content, string mode = "replace")
    {
        var queue = world.Pimm.Service<JobQueue>();
        var request = new ImportRequest(audience.Id, "customers", world.Pimm.Write(name, content)) { Mapping = Mapping with { Mode = mode } };
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await queue.WaitAsync(await queue.EnqueueAsync(new JobRequest(ImportFile.JobKind, name, request, MaxAttempts: 1), Cancel), limit.Token);
    }

    private async Task<long> CountAsync(string sql)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<long>(sql);
    }
}
