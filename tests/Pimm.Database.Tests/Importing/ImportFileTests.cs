using System.Text;
using Dapper;
using Pimm.Core;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Importing;

/// <summary>The worker with one audience: attributes age (number) and channel (text), funnel click > buy.</summary>
public sealed class EmptyAudience : IAsyncLifetime
{
    public PimmInstance Pimm { get; private set; } = null!;

    public Audience Audience { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Pimm = await PimmInstance.StartAsync();
        var audiences = Pimm.Service<AudienceStore>();
        Audience = await audiences.GetAsync(await audiences.CreateAsync("people", "key", [new("age", "number"), new("channel", "text")], ["click", "buy"]));
    }

    public ValueTask DisposeAsync() => Pimm.DisposeAsync();
}

public sealed class ImportFileTests(EmptyAudience world) : IClassFixture<EmptyAudience>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_customer_file_becomes_the_next_version_and_every_row_is_accounted_for()
    {
        var first = await ImportAsync("customers", "key,age,channel\na,30,web\nb,,\nc:1,41.5,\"he said \"\"hi\"\"\"\n");
        var second = await ImportAsync("customers", "channel,key,age,more\nweb,a,31,x\napp,d,20,y\n");

        first.State.ShouldBe(JobStates.Succeeded, first.Error);
        second.State.ShouldBe(JobStates.Succeeded, second.Error);
        var files = await world.Pimm.Service<ImportStore>().FilesAsync(world.Audience.Id, Cancel);
        (files[0].Received, files[0].Created, files[0].Updated).ShouldBe((2, 1, 1));
        second.Result!.ShouldContain("\"received\": 2");
        var newest = (await world.Pimm.Service<AudienceStore>().NewestVersionAsync(world.Audience.Id, Cancel))!;
        newest.Customers.ShouldBe(2);
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        (await connection.QueryAsync<string>($"select customer_key || '|' || coalesce(age::text, 'none') || '|' || coalesce(channel, 'none') from {world.Audience.CustomersTable} where version = @v order by customer_key", new { v = newest.Version - 1 }))
            .ShouldBe(["a|30|web", "b|none|none", "c:1|41.5|he said \"hi\""]);
    }

    [Fact]
    public async Task The_same_bytes_again_are_said_to_be_there_already()
    {
        const string content = "key,age,channel\nsame,30,web\n";
        await ImportAsync("customers", content);
        var again = await ImportAsync("customers", content);

        again.State.ShouldBe(JobStates.Succeeded);
        again.Result!.ShouldContain("\"alreadyImportedAt\": \"20");
    }

    [Fact]
    public async Task A_state_that_was_replaced_meanwhile_can_come_back()
    {
        const string before = "key,age,channel\nback,30,web\n";
        await ImportAsync("customers", before);
        await ImportAsync("customers", "key,age,channel\nback,31,web\n");

        (await ImportAsync("customers", before)).Result!.ShouldContain("\"alreadyImportedAt\": null");

        var newest = (await world.Pimm.Service<AudienceStore>().NewestVersionAsync(world.Audience.Id, Cancel))!;
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        (await connection.ExecuteScalarAsync<double>($"select age from {world.Audience.CustomersTable} where version = @Version and customer_key = 'back'", new { newest.Version })).ShouldBe(30);
    }

    [Fact]
    public async Task Bad_rows_within_the_bound_are_put_aside_with_line_column_and_code()
    {
        var content = new StringBuilder("key,age,channel\n");
        for (var i = 0; i < 40; i++)
        {
            content.Append($"ok{i},{20 + i},web\n");
        }
        content.Append("old,very,web\nok3,50,app\n");

        var run = await ImportAsync("customers", content.ToString());

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        var file = (await world.Pimm.Service<ImportStore>().FilesAsync(world.Audience.Id, Cancel))[0];
        (file.Received, file.Quarantined).ShouldBe((42, 2));
        var problems = await world.Pimm.Service<ImportStore>().ProblemsAsync(file.Id, cancellationToken: Cancel);
        problems.Select(p => (p.Line, p.Column, p.Code)).ShouldBe([(42, "age", "bad_number"), (43, "key", "duplicate_key")]);
    }

    [Fact]
    public async Task History_out_of_order_is_refused_or_repaired_by_the_rule()
    {
        const string content = "key,impression_at,click,buy,age,channel\nh1,2026-01-05T10:00:00Z,0,1,30,web\nh2,2026-01-05T18:00:00+08:00,1,0,31,app\n";
        (await ImportAsync("history", content)).Error!.ShouldContain("a later stage of click > buy without the one before it");

        (await ImportAsync("history", content, "cascade-up")).State.ShouldBe(JobStates.Succeeded);

        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        (await connection.QueryAsync<(DateTime, short)>($"select impression_at, stage from {world.Audience.HistoryTable} where age in (30, 31) order by age"))
            .ShouldBe([(new DateTime(2026, 1, 5, 10, 0, 0, DateTimeKind.Utc), (short)2), (new DateTime(2026, 1, 5, 10, 0, 0, DateTimeKind.Utc), (short)1)]);
    }

    public static TheoryData<string, string, byte[], string> BadFiles { get; } = new()
    {
        { "empty", "customers", [], "is empty" },
        { "header only", "customers", "key,age,channel\n"u8.ToArray(), "has a header and no rows" },
        { "missing column", "customers", "key,age,chanel\na,1,web\n"u8.ToArray(), "has no column 'channel'; did you mean 'chanel'?" },
        { "unbalanced quote", "customers", "key,age,channel\na,1,\"web\n"u8.ToArray(), "the quote opened here is not closed" },
        { "wrong delimiter", "customers", "key:age:channel\na:1:web\n"u8.ToArray(), "the header is one column, but it holds ':'" },
        { "NUL byte", "customers", "key,age,channel\na,1,w\0b\n"u8.ToArray(), "a NUL byte" },
        { "UTF-16", "customers", Encoding.Unicode.GetBytes("key,age,channel\na,1,web\n"), "is UTF-16 text; save it as UTF-8" },
        { "label 2", "history", "key,impression_at,click,buy,age,channel\na,2026-01-05T10:00:00Z,2,0,1,web\n"u8.ToArray(), "the label is '2'; it must be 0 or 1" },
        { "broken funnel", "history", "key,impression_at,click,buy,age,channel\na,2026-01-05T10:00:00Z,0,1,1,web\n"u8.ToArray(), "without the one before it" },
        { "no offset", "history", "key,impression_at,click,buy,age,channel\na,2026-01-05T10:00:00,0,0,1,web\n"u8.ToArray(), "has no offset and the file's zone is not known; name it with --zone" },
        { "no number", "customers", "key,age,channel\na,1 year,web\n"u8.ToArray(), "'1••• (6 letters)' is no number" },
        { "10,000 columns", "customers", Encoding.UTF8.GetBytes(string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"c{i}")) + "\n"), "at most 1,024 columns" },
    };

    [Theory]
    [MemberData(nameof(BadFiles))]
    public async Task A_bad_file_is_refused_with_a_sentence_and_leaves_nothing(string name, string kind, byte[] content, string sentence)
    {
        var path = Path.Combine(world.Pimm.Folder, $"{name}.csv");
        await File.WriteAllBytesAsync(path, content, Cancel);
        var before = await RowsAsync();

        var run = await world.Pimm.RunAsync(new JobRequest(ImportFile.JobKind, name, new ImportRequest(world.Audience.Id, kind, path)), Cancel);

        run.State.ShouldBe(JobStates.Failed);
        run.Error!.ShouldContain(sentence);
        run.Error!.ShouldNotContain("\n");
        run.Attempt.ShouldBe(1);
        (await RowsAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task What_no_model_can_learn_from_is_said_of_a_history_that_is_taken_in()
    {
        const string header = "key,impression_at,click,buy,age,channel\n";
        var run = await ImportAsync("history", header + "n1,2026-01-05T10:00:00Z,1,0,1,web\nn2,2026-01-05T11:00:00Z,0,0,0,web\n");

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        run.Result!.ShouldContain("attribute 'age' equals the label 'click' in all 2 impressions");
        run.Result!.ShouldContain("'buy' is 0 in all 2 impressions; a model cannot learn it from this file alone.");
    }

    [Fact]
    public async Task Attribute_names_that_would_break_a_table_are_refused()
    {
        var audiences = world.Pimm.Service<AudienceStore>();

        (await Should.ThrowAsync<InputException>(() => audiences.CreateAsync("bad", "key", [new("x\"; drop table campaign; --", "number")], ["click"])))
            .Message.ShouldContain("is not a letter followed by");
        (await Should.ThrowAsync<InputException>(() => audiences.CreateAsync("bad", "key", [new("customer", "text")], ["click"])))
            .Message.ShouldContain("is reserved");
        (await Should.ThrowAsync<InputException>(() => audiences.CreateAsync("people", "key", [new("age", "number")], ["click"])))
            .Message.ShouldContain("There is an audience named \"people\" already");
    }

    private Task<JobRun> ImportAsync(string kind, string content, string order = "reject")
    {
        var path = world.Pimm.Write($"{Path.GetRandomFileName()}.csv", content);
        return world.Pimm.RunAsync(new JobRequest(ImportFile.JobKind, path, new ImportRequest(world.Audience.Id, kind, path, Order: order)), Cancel);
    }

    private async Task<(long, long, long)> RowsAsync()
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return await connection.QuerySingleAsync<(long, long, long)>(
            $"select (select count(*) from {world.Audience.CustomersTable}), (select count(*) from {world.Audience.HistoryTable}), (select count(*) from import_file)");
    }
}
