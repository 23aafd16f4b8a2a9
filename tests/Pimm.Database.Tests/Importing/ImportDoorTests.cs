using System.Text;
using Dapper;
using Pimm.Core;
using Pimm.Core.Identifying;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Importing;

/// <summary>A worker, a folder of uploads and no audience.</summary>
public sealed class DoorWorld : IAsyncLifetime
{
    private readonly DirectoryInfo _uploads = Directory.CreateTempSubdirectory("pimm-uploads-");

    public PimmInstance Pimm { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Pimm = await PimmInstance.StartAsync(new Dictionary<string, string?>
    {
        ["Importing:Uploads"] = _uploads.FullName, ["Importing:MaximumUploadBytes"] = "100000",
    });

    public string[] Stored() => Directory.GetFiles(Path.Combine(_uploads.FullName, "inbox"));

    public async ValueTask DisposeAsync()
    {
        await Pimm.DisposeAsync();
        _uploads.Delete(recursive: true);
    }
}

public sealed class ImportDoorTests(DoorWorld world) : IClassFixture<DoorWorld>
{
    private const string People =
        """
        Customer ID,E-Mail,Mobile,Gender,age,zone,Newsletter,Newsletter at
        p1,Ada@Example.com,+49 151 23456789,f,30,a,yes,2026-01-05T10:00:00Z
        p2,not an address,0151 2345678,m,31,b,no,2026-01-05T10:00:00Z
        p3,,,f,,c,,
        p4,bob@example.com,,x,old,a,yes,2026-01-05T10:00:00Z
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static ImportMapping PeopleMapping => new()
    {
        Columns =
        [
            new("Customer ID", "key"), new("E-Mail", "identifier:email"), new("Mobile", "identifier:phone"), new("Gender", "protected", "text", "gender"),
            new("age", "feature", "number"), new("Newsletter", "consent:newsletter/email"), new("Newsletter at", "consent-time:newsletter/email"),
        ],
        DefaultCountry = "DE",
    };

    [Fact]
    public async Task A_file_is_sent_detected_checked_and_applied()
    {
        var upload = await SendAsync(People, "../../people.csv");
        upload.FileName.ShouldBe("people.csv");
        var source = new ImportSource(world.Pimm.Service<UploadStore>().PathOf(upload), upload.FileName);
        var found = await world.Pimm.Service<ImportDetector>().DetectAsync(source, "customers", null, null, Cancel);
        found.Columns.Take(5).Select(c => c.Role).ShouldBe(["key", "identifier:email", "identifier:phone", "protected", "feature"]);
        found.Sample[0].ShouldBe(["p1", "A•••@E•••.com", "+49•••••89", "f", "30", "a", "yes", "2026-01-05T10:00:00Z"]);
        var door = world.Pimm.Service<ImportDoor>();

        var (draft, check) = await door.CheckAsync(new DraftRequest("customers", upload.Id, PeopleMapping) { AudienceName = "people of the door", AcceptBadShare = 0.5 }, "user:ada", Cancel);
        (await DoneAsync(check)).State.ShouldBe(JobStates.Succeeded);

        var findings = (await door.GetAsync(draft, Cancel)).Findings!.Check!;
        (findings.Received, findings.Good, findings.Quarantined, findings.Warnings).ShouldBe((4, 3, 1, 1));
        (findings.Created, findings.Updated).ShouldBe((3, 0));
        findings.Codes.ShouldBe(new Dictionary<string, long> { [ImportCode.BadEmail] = 1, [ImportCode.BadNumber] = 1 }, ignoreOrder: true);
        findings.Unmapped.ShouldBe(["zone"]);
        (await CountAsync("select count(*) from audience where name = 'people of the door'")).ShouldBe(0);

        var applied = await DoneAsync(await door.ApplyAsync(draft, "user:ada", cancellationToken: Cancel));

        applied.State.ShouldBe(JobStates.Succeeded, applied.Error);
        var audience = (await world.Pimm.Service<AudienceStore>().FindByNameAsync("people of the door", Cancel))!;
        audience.TrainedOn([]).ShouldBe(["age"]);
        audience.TrainedOn(["gender"]).ShouldBe(["gender", "age"]);
        var file = (await world.Pimm.Service<ImportStore>().FilesAsync(audience.Id, Cancel)).ShouldHaveSingleItem();
        (file.Received, file.Created, file.Updated, file.Skipped, file.Quarantined, file.Warnings, file.ImportedBy).ShouldBe((4, 3, 0, 0, 1, 1, "user:ada"));
        (await door.ApplyAsync(draft, "user:bob", cancellationToken: Cancel)).ShouldBe(applied.Id);
        await RemovedAsync(upload.Id);
        world.Stored().ShouldNotContain(path => path.EndsWith(upload.StoredAs, StringComparison.Ordinal));
        await PersonsAreSealedAsync();
    }

    [Fact]
    public async Task A_check_tells_what_would_be_created_and_updated_as_the_landing_then_counts_it()
    {
        var door = world.Pimm.Service<ImportDoor>();
        const string columns = "ref,age\n";
        string Rows(int from, int to) => string.Concat(Enumerable.Range(from, to - from + 1).Select(number => $"f{number},{number}\n"));
        async Task<(ImportCheck Check, ImportedFile File)> PassAsync(string content, string mode)
        {
            var upload = await SendAsync(content, "forecast.csv");
            var mapping = new ImportMapping { Columns = [new("ref", "key"), new("age", "feature", "number")], Mode = mode };
            var audience = await world.Pimm.Service<AudienceStore>().FindByNameAsync("forecast", Cancel);
            var (draft, check) = await door.CheckAsync(new DraftRequest("customers", upload.Id, mapping) { AudienceId = audience?.Id, AudienceName = "forecast", AcceptBadShare = 0.5 }, "user:ada", Cancel);
            (await DoneAsync(check)).State.ShouldBe(JobStates.Succeeded);
            (await DoneAsync(await door.ApplyAsync(draft, "user:ada", cancellationToken: Cancel))).State.ShouldBe(JobStates.Succeeded);
            audience = await world.Pimm.Service<AudienceStore>().FindByNameAsync("forecast", Cancel);
            return ((await door.GetAsync(draft, Cancel)).Findings!.Check!, (await world.Pimm.Service<ImportStore>().FilesAsync(audience!.Id, Cancel))[0]);
        }
        async Task ShouldHoldAsync(string content, string mode, long created, long updated, long skipped, long quarantined)
        {
            var (check, file) = await PassAsync(columns + content, mode);
            (check.Created, check.Updated, check.Skipped, check.Quarantined).ShouldBe((created, updated, skipped, quarantined));
            (file.Created, file.Updated, file.Skipped, file.Quarantined).ShouldBe((created, updated, skipped, quarantined));
            (check.Good, check.Received).ShouldBe((created + updated, file.Received));
        }

        await ShouldHoldAsync(Rows(1, 40), "replace", 40, 0, 0, 0);
        await ShouldHoldAsync(Rows(31, 50) + "f31,7\nf60,old\n", ImportMapping.Merge, 10, 10, 0, 2);
        await using var owner = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        await owner.ExecuteAsync("insert into erasure(customer, requested_at, requested_by, finished_at) values (@known, now(), 'test', now()), (@unknown, now(), 'test', now())",
            new { known = Core.Statistics.CustomerHash.Of("f35"), unknown = Core.Statistics.CustomerHash.Of("f55") });
        await ShouldHoldAsync(Rows(31, 55), ImportMapping.Merge, 4, 19, 2, 0);
    }

    /// <summary>The bytes go when the run has ended.</summary>
    private async Task RemovedAsync(long upload)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await CountAsync($"select count(*) from upload where id = {upload} and removed_at is not null") == 0)
        {
            await Task.Delay(50, limit.Token);
        }
    }

    private async Task PersonsAreSealedAsync()
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        var ada = Core.Statistics.CustomerHash.Of("p1");
        var read = new List<CustomerIdentifier>();
        await foreach (var identifier in world.Pimm.Service<IdentifierStore>().ReadAsync(connection, [ada, Core.Statistics.CustomerHash.Of("p2")], Enum.GetValues<IdentifierKind>(), Cancel))
        {
            read.Add(identifier);
        }
        read.Select(r => (r.Kind, r.Value)).ShouldBe([(IdentifierKind.Email, "ada@example.com"), (IdentifierKind.Phone, "+4915123456789"), (IdentifierKind.Phone, "+491512345678")], ignoreOrder: true);
        (await CountAsync("select count(*) from consent_now where purpose = 'newsletter' and channel = 'email' and granted")).ShouldBe(1);
        (await CountAsync("select count(*) from consent_now where purpose = 'newsletter' and channel = 'email' and not granted")).ShouldBe(1);
    }

    [Fact]
    public async Task Bad_rows_are_kept_sealed_and_come_back_mended()
    {
        var audience = await AudienceAsync("quarantine");
        var header = "key,age,channel,mail\n";
        var mapping = MappingByName.Of(audience, "customers", []);
        var file = await ImportAsync(audience, "customers", header + "q1,30,web,a@example.com\nq2,=1+A,\"app, new\",secret@example.com\nq3,31\n\"q4\"x,1,web,\n", mapping);
        (file.Received, file.Created, file.Quarantined).ShouldBe((4, 1, 3));
        var problems = await world.Pimm.Service<ImportStore>().ProblemsAsync(file.Id, cancellationToken: Cancel);
        problems.Select(p => (p.Line, p.Code, p.Value)).ShouldBe([(3, ImportCode.BadNumber, "=••• (4 letters)"), (4, ImportCode.TooFewFields, null), (5, ImportCode.UnbalancedQuote, null)]);
        (await CountAsync($"select count(*) from import_problem where import_file_id = {file.Id} and (sealed is null or position('secret'::bytea in sealed) > 0)")).ShouldBe(0);
        var path = Path.Combine(world.Pimm.Folder, "bad.csv");

        (await world.Pimm.Service<QuarantineStore>().WriteAsync(file.Id, path, Cancel)).ShouldBe((3, 0));

        var lines = await File.ReadAllLinesAsync(path, Cancel);
        lines[0].ShouldBe("key,age,channel,mail,pimm_error_line,pimm_error_code,pimm_error_column,pimm_error_value,pimm_error_message,pimm_error_remedy");
        lines[1].ShouldStartWith("q2,=1+A,\"app, new\",secret@example.com,3,bad_number,age,'=••• (4 letters),");
        lines[2].ShouldStartWith("q3,31,,,4,too_few_fields,,,");
        var mended = string.Join('\n', lines).Replace("q2,=1+A", "q2,32", StringComparison.Ordinal).Replace("\"q4\"\"x\"", "q4", StringComparison.Ordinal) + "\n";
        var replayed = await ImportAsync(audience, "customers", mended, await world.Pimm.Service<MappingByName>().OfReplayAsync(audience, "customers", file.Id, [], Cancel), replayOf: file.Id);

        (replayed.Received, replayed.Created, replayed.Updated, replayed.Quarantined, replayed.ReplayOf).ShouldBe((3, 3, 0, 0, file.Id));
        (await CustomersAsync(audience)).ShouldBe(["q1|30|web", "q2|32|app, new", "q3|31|-", "q4|1|web"]);
        await ExecuteAsync("delete from import_problem where import_file_id = @Id and line = 3", new { file.Id });
        (await world.Pimm.Service<QuarantineStore>().WriteAsync(file.Id, path, Cancel)).ShouldBe((2, 1));
    }

    [Fact]
    public async Task A_merge_leaves_what_the_file_does_not_say()
    {
        var audience = await AudienceAsync("merged");
        var mapping = MappingByName.Of(audience, "customers", []);
        await ImportAsync(audience, "customers", "key,age,channel\nm1,30,web\nm2,31,app\n", mapping);

        var merged = await ImportAsync(audience, "customers", "key,age,channel\nm2,,mail\nm3,33,web\n", mapping with { Mode = ImportMapping.Merge });

        (merged.Received, merged.Created, merged.Updated, merged.Skipped, merged.Quarantined).ShouldBe((2, 1, 1, 0, 0));
        (await CustomersAsync(audience)).ShouldBe(["m1|30|web", "m2|31|mail", "m3|33|web"]);
        (await world.Pimm.Service<AudienceStore>().NewestVersionAsync(audience.Id, Cancel))!.Customers.ShouldBe(3);
    }

    [Fact]
    public async Task A_second_row_of_a_customer_can_be_skipped_and_is_listed()
    {
        var audience = await AudienceAsync("doubled");
        var file = await ImportAsync(audience, "customers", "key,age,channel\nd1,30,web\nd1,31,app\n", MappingByName.Of(audience, "customers", []) with { Duplicates = ImportMapping.KeepFirst });

        (file.Received, file.Created, file.Skipped, file.Quarantined, file.Warnings).ShouldBe((2, 1, 1, 0, 1));
        (await world.Pimm.Service<ImportStore>().ProblemsAsync(file.Id, cancellationToken: Cancel)).ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            p => p.Code.ShouldBe(ImportCode.DuplicateKey), p => p.IsWarning.ShouldBeTrue());
    }

    [Fact]
    public async Task An_erased_customer_is_skipped_and_counted()
    {
        var audience = await AudienceAsync("erased");
        await ExecuteAsync("insert into erasure(customer, requested_at, requested_by) values (@customer, now(), 'user:ada')", new { customer = Core.Statistics.CustomerHash.Of("gone") });
        var columns = MappingByName.Of(audience, "customers", []);
        var mapping = columns with { Columns = [.. columns.Columns, new("mail", "identifier:email")] };

        var file = await ImportAsync(audience, "customers", "key,age,channel,mail\ngone,30,web,gone@example.com\nhere,31,app,here@example.com\n", mapping);
        var history = await ImportAsync(audience, "history", "key,impression_at,click,buy,age,channel\ngone,2026-01-05T10:00:00Z,1,0,30,web\nhere,2026-01-05T10:00:00Z,1,0,30,web\n", null);

        (file.Received, file.Created, file.Skipped).ShouldBe((2, 1, 1));
        (history.Received, history.Created, history.Skipped).ShouldBe((2, 1, 1));
        (await CustomersAsync(audience)).ShouldBe(["here|31|app"]);
        (await CountAsync($"select count(*) from customer_identifier where customer = '{Core.Statistics.CustomerHash.Of("gone")}'")).ShouldBe(0);
        (await CountAsync($"select count(*) from customer_identifier where customer = '{Core.Statistics.CustomerHash.Of("here")}'")).ShouldBe(1);
    }

    [Fact]
    public async Task A_refused_file_leaves_no_identifier()
    {
        var audience = await AudienceAsync("refused");
        var columns = MappingByName.Of(audience, "customers", []);
        var run = await RunAsync(audience, "customers", "key,age,channel,mail\nr1,30,web,r1@example.com\nr2,old,app,\n",
            columns with { Columns = [.. columns.Columns, new("mail", "identifier:email")] }, acceptBadShare: 0.05);

        run.Error!.ShouldContain("1 of 2 rows (50 %)");
        (await CountAsync($"select count(*) from customer_identifier where customer = '{Core.Statistics.CustomerHash.Of("r1")}'")).ShouldBe(0);
    }

    [Fact]
    public async Task An_undone_version_is_gone_with_its_new_customers_identifiers_and_its_number_is_not_used_again()
    {
        var audience = await AudienceAsync("undone");
        var columns = MappingByName.Of(audience, "customers", []);
        var mapping = columns with { Columns = [.. columns.Columns, new("mail", "identifier:email")] };
        var first = await ImportAsync(audience, "customers", "key,age,channel,mail\nu1,30,web,u1@example.com\n", mapping);
        var second = await ImportAsync(audience, "customers", "key,age,channel,mail\nu1,31,web,\nu2,30,web,u2@example.com\n", mapping);
        var undo = world.Pimm.Service<UndoImport>();
        (await Should.ThrowAsync<InputException>(() => undo.RunAsync(first.Id, "user:ada", Cancel))).Message.ShouldContain("undo the newer import first");

        var undone = await undo.RunAsync(second.Id, "user:ada", Cancel);

        undone.Removed.ShouldBe(new Dictionary<string, long> { ["version"] = 2, ["customers"] = 2, ["identifiers"] = 1 }, ignoreOrder: true);
        (await CustomersAsync(audience)).ShouldBe(["u1|30|web"]);
        (await Should.ThrowAsync<InputException>(() => undo.RunAsync(second.Id, "user:ada", Cancel))).Message.ShouldContain("was undone on");
        (await CountAsync($"select count(*) from audit_event where action = 'import.undo' and object_id = '{second.Id}' and actor = 'user:ada'")).ShouldBe(1);
        await ImportAsync(audience, "customers", "key,age,channel,mail\nu1,31,web,\nu2,30,web,u2@example.com\n", mapping);
        (await world.Pimm.Service<AudienceStore>().NewestVersionAsync(audience.Id, Cancel))!.Version.ShouldBe(3);
    }

    [Fact]
    public async Task Undone_impressions_and_events_can_be_imported_again()
    {
        var audience = await AudienceAsync("events");
        await ImportAsync(audience, "customers", "key,age,channel\ne1,30,web\n", null);
        const string history = "key,impression_at,click,buy,age,channel\ne1,2026-01-05T10:00:00Z,1,0,30,web\n", outcomes = "event_id,kind,customer,campaign,wave,stage,occurred_at,amount\nx1,outcome,e1,,,,2026-03-05T00:00:00Z,5\n";
        var (past, events) = (await ImportAsync(audience, "history", history, null), await ImportAsync(audience, "outcomes", outcomes, null));

        (await world.Pimm.Service<UndoImport>().RunAsync(past.Id, "user:ada", Cancel)).Removed["impressions"].ShouldBe(1);
        (await world.Pimm.Service<UndoImport>().RunAsync(events.Id, "user:ada", Cancel)).Removed["events"].ShouldBe(1);

        (await CountAsync($"select (select count(*) from {audience.HistoryTable}) + (select count(*) from customer_outcome where audience_id = {audience.Id})")).ShouldBe(0);
        (await ImportAsync(audience, "history", history, null)).Created.ShouldBe(1);
        (await ImportAsync(audience, "outcomes", outcomes, null)).Created.ShouldBe(1);
    }

    [Fact]
    public async Task The_same_history_read_in_another_way_is_refused_until_the_first_is_undone()
    {
        var audience = await AudienceAsync("twice");
        const string history = "key,impression_at,click,buy,age,channel\nt1,2026-01-05T10:00:00Z,1,0,30,web\n";
        var file = await ImportAsync(audience, "history", history, null);
        var other = MappingByName.Of(audience, "history", []) with { Zone = "Europe/Berlin" };

        (await RunAsync(audience, "history", history, other)).Error!.ShouldContain($"as import {file.Id}: undo that one first");
        (await RunAsync(audience, "history", history, null)).Result!.ShouldContain("\"alreadyImportedBy\": \"user:ada\"");
    }

    [Fact]
    public async Task Files_without_key_and_time_labels_by_value_and_in_two_columns_are_mapped()
    {
        var audience = await AudienceAsync("odd");
        var mapping = new ImportMapping
        {
            Columns =
            [
                new("age", "feature"), new("via", "feature", null, "channel"), new("status", "label:click", Ones: ["open", "paid"]), new("status2", "label:buy", Ones: ["paid"]), new("flag", "label:buy"),
            ],
            Key = ImportMapping.RowNumber, Time = "2026-01-05T10:00:00Z",
        };
        var file = await ImportAsync(audience, "history", "age,via,status,status2,flag\n30,web,open,,0\n31,web,paid,paid,0\n32,web,none,,1\n", mapping);

        (file.Received, file.Created, file.Quarantined).ShouldBe((3, 2, 1));
        (await world.Pimm.Service<ImportStore>().ProblemsAsync(file.Id, cancellationToken: Cancel)).ShouldHaveSingleItem().Code.ShouldBe(ImportCode.FunnelOrder);
    }

    [Theory]
    [InlineData("{\"columns\":[{\"column\":\"age\",\"role\":\"feature\"}]}", ImportCode.NoKey)]
    [InlineData("{\"columns\":[{\"column\":\"key\",\"role\":\"key\"},{\"column\":\"age\",\"role\":\"wish\"}]}", ImportCode.BadMapping)]
    [InlineData("{\"columns\":[{\"column\":\"key\",\"role\":\"key\"},{\"column\":\"c\",\"role\":\"consent:a/b\"}]}", ImportCode.BadMapping)]
    [InlineData("{\"columns\":[{\"column\":\"key\",\"role\":\"key\"}],\"zone\":\"Mars/Olympus\"}", ImportCode.BadMapping)]
    [InlineData("{\"colums\":[]}", ImportCode.BadMapping)]
    public void A_mapping_that_cannot_be_meant_is_refused(string json, string code) =>
        Should.Throw<InputException>(() => ImportMapping.FromJson(json).Validate("customers")).Code.ShouldBe(code);

    [Fact]
    public async Task What_the_sample_does_not_show_is_asked()
    {
        var rows = string.Concat(Enumerable.Range(0, 40).Select(row => $"k{row},{(row == 7 ? "unknown" : $"{row}")},0{row}\n"));
        var path = world.Pimm.Write("asked.csv", $"Kundennr,2026,zip plus\n{rows}k99,too,many,fields\n");

        var found = await world.Pimm.Service<ImportDetector>().DetectAsync(new ImportSource(path), "customers", null, null, Cancel);

        found.Columns[0].Role.ShouldBe("key");
        found.Questions.ShouldBe(
        [
            "The first line looks like data and not like names of columns: if the header is missing, add one and begin again.",
            "1 of the first 41 rows cannot be read; the first one: asked.csv, line 42: 4 fields where the header has 3 columns; correct the line, or quote fields that hold the delimiter.",
            "'2026' holds numbers but for 1 of 40 values: choose the type number to have those rows put aside, or leave all of it text.",
        ]);
    }

    [Fact]
    public async Task A_saved_mapping_is_found_by_the_header_in_other_letters()
    {
        var templates = world.Pimm.Service<ImportTemplateStore>();
        await templates.SaveAsync(Detection.FingerprintOf(["Key", "Age of it"]), "customers", "ours", new ImportMapping { Columns = [new("key", "key"), new("age_of_it", "feature", "number")] }, "user:ada", Cancel);
        var path = world.Pimm.Write("template.csv", "key,age_of_it\na,1\n");

        var found = await world.Pimm.Service<ImportDetector>().DetectAsync(new ImportSource(path), "customers", null, null, Cancel);

        (found.Template, found.Proposed.Columns.Count).ShouldBe(("ours", 2));
    }

    [Fact]
    public async Task An_upload_that_is_too_large_or_empty_leaves_nothing()
    {
        await SendAsync("key\na\n", "small.csv");
        var before = world.Stored().Length;

        (await Should.ThrowAsync<InputException>(() => SendAsync(new string('x', 100_001), "large.csv"))).Code.ShouldBe(ImportCode.UploadTooLarge);
        (await Should.ThrowAsync<InputException>(() => SendAsync("", "empty.csv"))).Code.ShouldBe(ImportCode.EmptyFile);

        world.Stored().Length.ShouldBe(before);
    }

    [Theory]
    [InlineData("failed", 0, true)]
    [InlineData("cancelled", 0, true)]
    [InlineData("queued", 30, false)]
    [InlineData("running", 30, false)]
    public async Task Bytes_go_when_their_run_has_ended_and_stay_while_it_needs_them(string state, int days, bool goes)
    {
        var upload = await SendAsync("key\na\n", $"{state}.csv");
        await ExecuteAsync(
            """
            with run as (insert into job_run(kind, dedupe_key, arguments, state) values ('none', @key, '{}', 'queued') returning id)
            insert into import_draft(request, created_by, created_at, apply_run_id) select jsonb_build_object('uploadId', @Id), 'user:ada', now(), id from run;
            update upload set uploaded_at = uploaded_at - make_interval(days => @days) where id = @Id;
            """, new { upload.Id, key = $"sweep {state}", days });
        await SetStateAsync($"sweep {state}", state);

        await world.Pimm.Service<UploadStore>().SweepAsync(Cancel);

        world.Stored().Any(path => path.EndsWith(upload.StoredAs, StringComparison.Ordinal)).ShouldBe(!goes);
    }

    private Task SetStateAsync(string key, string state) => ExecuteAsync(
        """
        update job_run set state = @state, attempt = 1, lease_until = case when @state = 'running' then now() + interval '1 hour' end, owner = case when @state = 'running' then 'nobody' end,
               started_at = now(), finished_at = case when @state in ('failed', 'cancelled') then now() end
         where dedupe_key = @key and @state <> 'queued'
        """, new { key, state });

    private async Task<Upload> SendAsync(string content, string name)
    {
        using var body = new MemoryStream(Encoding.UTF8.GetBytes(content));
        return await world.Pimm.Service<UploadStore>().ReceiveAsync(body, name, "user:ada", Cancel);
    }

    private async Task<Audience> AudienceAsync(string name)
    {
        var audiences = world.Pimm.Service<AudienceStore>();
        return await audiences.GetAsync(await audiences.CreateAsync(name, "key", [new("age", "number"), new("channel", "text")], ["click", "buy"], cancellationToken: Cancel), Cancel);
    }

    private async Task<ImportedFile> ImportAsync(Audience audience, string kind, string content, ImportMapping? mapping, long? replayOf = null)
    {
        var run = await RunAsync(audience, kind, content, mapping, 1, replayOf);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        return (await world.Pimm.Service<ImportStore>().FilesAsync(audience.Id, Cancel))[0];
    }

    private Task<JobRun> RunAsync(Audience audience, string kind, string content, ImportMapping? mapping, double acceptBadShare = 1, long? replayOf = null)
    {
        var path = world.Pimm.Write(Path.GetRandomFileName(), content);
        return world.Pimm.RunAsync(kind == "outcomes"
            ? new JobRequest(ImportOutcomes.JobKind, path, new OutcomesRequest(audience.Id, path, "shop", acceptBadShare) { By = "user:ada" })
            : new JobRequest(ImportFile.JobKind, path, new ImportRequest(audience.Id, kind, path, acceptBadShare) { Mapping = mapping, By = "user:ada", ReplayOf = replayOf }), Cancel);
    }

    private Task<JobRun> DoneAsync(long run) => world.Pimm.Service<JobQueue>().WaitAsync(run, Cancel);

    private async Task<IEnumerable<string>> CustomersAsync(Audience audience)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return await connection.QueryAsync<string>(
            $"select customer_key || '|' || coalesce(age::text, '-') || '|' || coalesce(channel, '-') from {audience.CustomersTable} where version = (select max(version) from audience_version where audience_id = @Id) order by customer_key", new { audience.Id });
    }

    private async Task<long> CountAsync(string sql)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<long>(sql);
    }

    private async Task ExecuteAsync(string sql, object values)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync(sql, values);
    }
}
