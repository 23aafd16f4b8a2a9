using Dapper;
using Pimm.Core;
using Pimm.Core.Identifying;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Importing;

/// <summary>Detected, mapped, checked, applied.</summary>
[Collection(nameof(DoorWorld))]
public sealed class ImportDoorTests(DoorWorld world)
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
        var upload = await world.SendAsync(People, "../../people.csv");
        upload.FileName.ShouldBe("people.csv");
        var source = new ImportSource(world.Pimm.Service<UploadStore>().PathOf(upload), upload.FileName);
        var found = await world.Pimm.Service<ImportDetector>().DetectAsync(source, "customers", null, null, Cancel);
        found.Columns.Take(5).Select(c => c.Role).ShouldBe(["key", "identifier:email", "identifier:phone", "protected", "feature"]);
        found.Sample[0].ShouldBe(["p1", "A•••@E•••.com", "+49•••••89", "f", "30", "a", "yes", "2026-01-05T10:00:00Z"]);
        var door = world.Pimm.Service<ImportDoor>();

        var (draft, check) = await door.CheckAsync(new DraftRequest("customers", upload.Id, PeopleMapping) { AudienceName = "people of the door", AcceptBadShare = 0.5 }, "user:ada", Cancel);
        (await world.DoneAsync(check)).State.ShouldBe(JobStates.Succeeded);

        var findings = (await door.GetAsync(draft, Cancel)).Findings!.Check!;
        (findings.Received, findings.Good, findings.Quarantined, findings.Warnings).ShouldBe((4, 3, 1, 1));
        (findings.Created, findings.Updated).ShouldBe((3, 0));
        findings.Codes.ShouldBe(new Dictionary<string, long> { [ImportCode.BadEmail] = 1, [ImportCode.BadNumber] = 1 }, ignoreOrder: true);
        findings.Unmapped.ShouldBe(["zone"]);
        (await world.CountAsync("select count(*) from audience where name = 'people of the door'")).ShouldBe(0);

        var applied = await world.DoneAsync(await door.ApplyAsync(draft, "user:ada", cancellationToken: Cancel));

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
            var upload = await world.SendAsync(content, "forecast.csv");
            var mapping = new ImportMapping { Columns = [new("ref", "key"), new("age", "feature", "number")], Mode = mode };
            var audience = await world.Pimm.Service<AudienceStore>().FindByNameAsync("forecast", Cancel);
            var (draft, check) = await door.CheckAsync(new DraftRequest("customers", upload.Id, mapping) { AudienceId = audience?.Id, AudienceName = "forecast", AcceptBadShare = 0.5 }, "user:ada", Cancel);
            (await world.DoneAsync(check)).State.ShouldBe(JobStates.Succeeded);
            (await world.DoneAsync(await door.ApplyAsync(draft, "user:ada", cancellationToken: Cancel))).State.ShouldBe(JobStates.Succeeded);
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
        while (await world.CountAsync($"select count(*) from upload where id = {upload} and removed_at is not null") == 0)
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
        (await world.CountAsync("select count(*) from consent_now where purpose = 'newsletter' and channel = 'email' and granted")).ShouldBe(1);
        (await world.CountAsync("select count(*) from consent_now where purpose = 'newsletter' and channel = 'email' and not granted")).ShouldBe(1);
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
}
