using Pimm.Core.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Importing;

/// <summary>What becomes of a row.</summary>
[Collection(nameof(DoorWorld))]
public sealed class ImportedRowsTests(DoorWorld world)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bad_rows_are_kept_sealed_and_come_back_mended()
    {
        var audience = await world.AudienceAsync("quarantine");
        var header = "key,age,channel,mail\n";
        var mapping = MappingByName.Of(audience, "customers", []);
        var file = await world.ImportAsync(audience, "customers", header + "q1,30,web,a@example.com\nq2,=1+A,\"app, new\",secret@example.com\nq3,31\n\"q4\"x,1,web,\n", mapping);
        (file.Received, file.Created, file.Quarantined).ShouldBe((4, 1, 3));
        var problems = await world.Pimm.Service<ImportStore>().ProblemsAsync(file.Id, cancellationToken: Cancel);
        problems.Select(p => (p.Line, p.Code, p.Value)).ShouldBe([(3, ImportCode.BadNumber, "=••• (4 letters)"), (4, ImportCode.TooFewFields, null), (5, ImportCode.UnbalancedQuote, null)]);
        (await world.CountAsync($"select count(*) from import_problem where import_file_id = {file.Id} and (sealed is null or position('secret'::bytea in sealed) > 0)")).ShouldBe(0);
        var path = Path.Combine(world.Pimm.Folder, "bad.csv");

        (await world.Pimm.Service<QuarantineStore>().WriteAsync(file.Id, path, Cancel)).ShouldBe((3, 0));

        var lines = await File.ReadAllLinesAsync(path, Cancel);
        lines[0].ShouldBe("key,age,channel,mail,pimm_error_line,pimm_error_code,pimm_error_column,pimm_error_value,pimm_error_message,pimm_error_remedy");
        lines[1].ShouldStartWith("q2,=1+A,\"app, new\",secret@example.com,3,bad_number,age,'=••• (4 letters),");
        lines[2].ShouldStartWith("q3,31,,,4,too_few_fields,,,");
        var mended = string.Join('\n', lines).Replace("q2,=1+A", "q2,32", StringComparison.Ordinal).Replace("\"q4\"\"x\"", "q4", StringComparison.Ordinal) + "\n";
        var replayed = await world.ImportAsync(audience, "customers", mended, await world.Pimm.Service<MappingByName>().OfReplayAsync(audience, "customers", file.Id, [], Cancel), replayOf: file.Id);

        (replayed.Received, replayed.Created, replayed.Updated, replayed.Quarantined, replayed.ReplayOf).ShouldBe((3, 3, 0, 0, file.Id));
        (await world.CustomersAsync(audience)).ShouldBe(["q1|30|web", "q2|32|app, new", "q3|31|-", "q4|1|web"]);
        await world.ExecuteAsync("delete from import_problem where import_file_id = @Id and line = 3", new { file.Id });
        (await world.Pimm.Service<QuarantineStore>().WriteAsync(file.Id, path, Cancel)).ShouldBe((2, 1));
    }

    [Fact]
    public async Task A_merge_leaves_what_the_file_does_not_say()
    {
        var audience = await world.AudienceAsync("merged");
        var mapping = MappingByName.Of(audience, "customers", []);
        await world.ImportAsync(audience, "customers", "key,age,channel\nm1,30,web\nm2,31,app\n", mapping);

        var merged = await world.ImportAsync(audience, "customers", "key,age,channel\nm2,,mail\nm3,33,web\n", mapping with { Mode = ImportMapping.Merge });

        (merged.Received, merged.Created, merged.Updated, merged.Skipped, merged.Quarantined).ShouldBe((2, 1, 1, 0, 0));
        (await world.CustomersAsync(audience)).ShouldBe(["m1|30|web", "m2|31|mail", "m3|33|web"]);
        (await world.Pimm.Service<AudienceStore>().NewestVersionAsync(audience.Id, Cancel))!.Customers.ShouldBe(3);
    }

    [Fact]
    public async Task A_second_row_of_a_customer_can_be_skipped_and_is_listed()
    {
        var audience = await world.AudienceAsync("doubled");
        var file = await world.ImportAsync(audience, "customers", "key,age,channel\nd1,30,web\nd1,31,app\n", MappingByName.Of(audience, "customers", []) with { Duplicates = ImportMapping.KeepFirst });

        (file.Received, file.Created, file.Skipped, file.Quarantined, file.Warnings).ShouldBe((2, 1, 1, 0, 1));
        (await world.Pimm.Service<ImportStore>().ProblemsAsync(file.Id, cancellationToken: Cancel)).ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            p => p.Code.ShouldBe(ImportCode.DuplicateKey), p => p.IsWarning.ShouldBeTrue());
    }

    [Fact]
    public async Task An_erased_customer_is_skipped_and_counted()
    {
        var audience = await world.AudienceAsync("erased");
        await world.ExecuteAsync("insert into erasure(customer, requested_at, requested_by) values (@customer, now(), 'user:ada')", new { customer = Core.Statistics.CustomerHash.Of("gone") });
        var columns = MappingByName.Of(audience, "customers", []);
        var mapping = columns with { Columns = [.. columns.Columns, new("mail", "identifier:email")] };

        var file = await world.ImportAsync(audience, "customers", "key,age,channel,mail\ngone,30,web,gone@example.com\nhere,31,app,here@example.com\n", mapping);
        var history = await world.ImportAsync(audience, "history", "key,impression_at,click,buy,age,channel\ngone,2026-01-05T10:00:00Z,1,0,30,web\nhere,2026-01-05T10:00:00Z,1,0,30,web\n", null);

        (file.Received, file.Created, file.Skipped).ShouldBe((2, 1, 1));
        (history.Received, history.Created, history.Skipped).ShouldBe((2, 1, 1));
        (await world.CustomersAsync(audience)).ShouldBe(["here|31|app"]);
        (await world.CountAsync($"select count(*) from customer_identifier where customer = '{Core.Statistics.CustomerHash.Of("gone")}'")).ShouldBe(0);
        (await world.CountAsync($"select count(*) from customer_identifier where customer = '{Core.Statistics.CustomerHash.Of("here")}'")).ShouldBe(1);
    }

    [Fact]
    public async Task A_refused_file_leaves_no_identifier()
    {
        var audience = await world.AudienceAsync("refused");
        var columns = MappingByName.Of(audience, "customers", []);
        var run = await world.RunAsync(audience, "customers", "key,age,channel,mail\nr1,30,web,r1@example.com\nr2,old,app,\n",
            columns with { Columns = [.. columns.Columns, new("mail", "identifier:email")] }, acceptBadShare: 0.05);

        run.Error!.ShouldContain("1 of 2 rows (50 %)");
        (await world.CountAsync($"select count(*) from customer_identifier where customer = '{Core.Statistics.CustomerHash.Of("r1")}'")).ShouldBe(0);
    }

    [Fact]
    public async Task Files_without_key_and_time_labels_by_value_and_in_two_columns_are_mapped()
    {
        var audience = await world.AudienceAsync("odd");
        var mapping = new ImportMapping
        {
            Columns =
            [
                new("age", "feature"), new("via", "feature", null, "channel"), new("status", "label:click", Ones: ["open", "paid"]), new("status2", "label:buy", Ones: ["paid"]), new("flag", "label:buy"),
            ],
            Key = ImportMapping.RowNumber, Time = "2026-01-05T10:00:00Z",
        };
        var file = await world.ImportAsync(audience, "history", "age,via,status,status2,flag\n30,web,open,,0\n31,web,paid,paid,0\n32,web,none,,1\n", mapping);

        (file.Received, file.Created, file.Quarantined).ShouldBe((3, 2, 1));
        (await world.Pimm.Service<ImportStore>().ProblemsAsync(file.Id, cancellationToken: Cancel)).ShouldHaveSingleItem().Code.ShouldBe(ImportCode.FunnelOrder);
    }
}
