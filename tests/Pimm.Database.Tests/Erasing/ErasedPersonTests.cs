using System.Security.Cryptography;
using System.Text;
using Dapper;
using Pimm.Core.Campaigns;
using Pimm.Core.Erasing;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;
using Pimm.Core.Statistics;
using Pimm.Core.Suppressing;
using Pimm.Core.Training;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Erasing;

/// <summary>One person goes through every stage, is erased, and is then looked for in every row and every file.</summary>
public sealed class ErasedPersonTests
{
    private const string Key = "Kunde-XQ74-0031";
    private const string Email = "nadeschda.quittenbaum@example.org";
    private const string Phone = "+491762223344";
    private const string FirstName = "Nadeschda";
    private const string LastName = "Quittenbaum";
    private const string Header = "ref,mail,mobile,first,last,agreed,agreed_at,age";

    private static readonly Guid Person = CustomerHash.Of(Key);

    /// <summary>What channels are given: SHA-256 of the forms that they ask for.</summary>
    private static readonly string[] Hashed = [.. new[] { Email, Phone, Phone[1..], FirstName.ToLowerInvariant(), LastName.ToLowerInvariant(), Key }.Select(Sha256)];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_person_is_nowhere_and_the_experiment_is_whole()
    {
        await using var pimm = await StartAsync();
        var audience = await ImportAsync(pimm);
        var campaign = await PlayAsync(pimm, audience);
        await LeaveTracesAsync(pimm, audience, campaign);
        var before = await DumpAsync(pimm);
        Found(before, Key, Email, Hashed[0], Hashed[1]).ShouldBe([Key, Email, Hashed[0], Hashed[1]], "the test must see what it looks for");
        var kept = await KeptAsync(pimm, campaign);

        var run = await EraseAsync(pimm, new ErasureAsked(null, Email, null));

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        var after = await DumpAsync(pimm);
        Found(after, [Key, Email, Phone, Phone[3..], FirstName, LastName, .. Hashed]).ShouldBeEmpty();
        (await KeptAsync(pimm, campaign)).ShouldBe(kept);
        kept.ShouldContain("assigned 1");
        await using var connection = await pimm.Database.Owner.OpenConnectionAsync(Cancel);
        (await connection.ExecuteScalarAsync<long>("select count(*) from customer_identifier where customer = @Person", new { Person })).ShouldBe(0);
        (await connection.ExecuteScalarAsync<string>($"select customer_key from audience.customers_{audience} where customer = @Person", new { Person })).ShouldBe($"erased-{Person.ToString()[..8]}");
        (await connection.ExecuteScalarAsync<long>("select count(*) from suppression_now where reason = 'erased'")).ShouldBe(3);
        (await connection.ExecuteScalarAsync<bool>("select finished_at is not null and traces_sealed is null from erasure")).ShouldBeTrue();
        (await connection.QueryAsync<string>("select action from audit_event where object_id = @person order by id", new { person = Person.ToString() })).ShouldBe(["erase.request", "erase.finish"]);
        (await connection.ExecuteScalarAsync<bool>("select granted from consent_now where customer = @Person", new { Person })).ShouldBeFalse();
    }

    [Fact]
    public async Task A_later_file_brings_nothing_back_under_the_same_key_or_another_one()
    {
        await using var pimm = await StartAsync();
        var audience = await ImportAsync(pimm);
        (await EraseAsync(pimm, new ErasureAsked(Key, null, null))).State.ShouldBe(JobStates.Succeeded);

        var again = await ImportFileAsync(pimm, audience, "again.csv", [Row(Key, Email, Phone, "41"), Row(Key, Email, Phone, "41"), Row("Other-1", Email, "", "30"), Row("Other-2", "other@example.org", "", "31")]);

        var counts = System.Text.Json.JsonDocument.Parse(again.Result!).RootElement.GetProperty("counts");
        (counts.GetProperty("received").GetInt64(), counts.GetProperty("created").GetInt64(), counts.GetProperty("skipped").GetInt64(), counts.GetProperty("quarantined").GetInt64()).ShouldBe((4, 2, 1, 1));
        Found(await DumpAsync(pimm, except: "again.csv"), Key, Email, Phone).ShouldBeEmpty();
        await using var connection = await pimm.Database.Owner.OpenConnectionAsync(Cancel);
        (await connection.QueryAsync<Guid>("select customer from customer_identifier where kind = 1 and seen_at > (select finished_at from erasure)")).ShouldBe([CustomerHash.Of("Other-2")]);
        // Whoever comes with the erased address under another key is not contacted by it: it is not there.
        (await pimm.Service<ErasureStore>().ErasedAsync(connection, [Person, CustomerHash.Of("Other-1")])).ShouldBe([Person]);
    }

    [Theory]
    [InlineData("12345")]
    [InlineData("1000.17")]
    public async Task A_key_of_digits_is_taken_out_of_what_runs_have_left(string key)
    {
        await using var pimm = await StartAsync();
        var audience = await pimm.Service<AudienceStore>().CreateAsync("people", "ref", [new AudienceColumn("age", "number")], ["click"], cancellationToken: Cancel);
        (await ImportFileAsync(pimm, audience, "people.csv", ["C-1,c1@example.com,,A,B,yes,2026-01-05T10:00:00Z,20", Row(key, Email, Phone, "41"), Row(key, Email, Phone, "42")])).State.ShouldBe(JobStates.Succeeded);
        await using var connection = await pimm.Database.Owner.OpenConnectionAsync(Cancel);
        var noted = await connection.QuerySingleAsync<long>(
            "update job_run set result = @noted::jsonb where id = (select min(id) from job_run) returning id",
            new { noted = $$"""{"value": "{{key}}", "row": {{key}}, "phone": {{Phone[3..]}}, "said": ["'{{key}}' is \"{{key}}\""]}""" });

        var run = await pimm.RunAsync(await pimm.Service<ErasureRequests>().RequestAsync(CustomerHash.Of(key), new ErasureAsked(key, null, null), "cli:ada", Cancel), Cancel);

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        (await connection.ExecuteScalarAsync<string>("select result::text from job_run where id = @noted", new { noted })).ShouldBe(
            $$"""{"row": {{key}}, "said": ["'[erased]' is \"[erased]\""], "phone": {{Phone[3..]}}, "value": "[erased]"}""");
        (await connection.ExecuteScalarAsync<long>("select count(*) from job_run where result::text like @quoted", new { quoted = $"%\"{key}\"%" })).ShouldBe(0);
    }

    [Fact]
    public async Task A_damaged_file_stops_no_erasure_and_goes_where_nobody_reads_it_again()
    {
        await using var pimm = await StartAsync();
        await ImportAsync(pimm);
        var refused = Directory.CreateDirectory(Path.Combine(pimm.Folder, "inbox", "people", "refused")).FullName;
        var waiting = Directory.CreateDirectory(Path.Combine(pimm.Folder, "inbox", "people")).FullName;
        foreach (var folder in new[] { refused, waiting })
            await File.WriteAllBytesAsync(Path.Combine(folder, "broken.gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff], Cancel);

        var run = await EraseAsync(pimm, new ErasureAsked(Key, null, null));

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        (File.Exists(Path.Combine(refused, "broken.gz")), File.Exists(Path.Combine(waiting, "broken.gz"))).ShouldBe((false, true));
    }

    [Fact]
    public async Task Nobody_else_s_address_is_erased_and_who_shares_one_is_named_before()
    {
        await using var pimm = await StartAsync();
        var audience = await ImportAsync(pimm);
        await ImportFileAsync(pimm, audience, "sharing.csv", [Row("Shares-1", "own@example.org", Phone, "30")]);
        var requests = pimm.Service<ErasureRequests>();

        (await Should.ThrowAsync<Core.InputException>(() => requests.FindAsync(new ErasureAsked(Key, "own@example.org", null), Cancel))).Message.ShouldStartWith("--email is another customer's");
        (await Should.ThrowAsync<Core.InputException>(() => requests.FindAsync(new ErasureAsked(Key, null, "12"), Cancel))).Message.ShouldStartWith("--phone is no phone number");
        (await Should.ThrowAsync<Core.InputException>(() => requests.RequestAsync(Person, new ErasureAsked(Key, "nobody", null), "cli:ada", Cancel))).Message.ShouldStartWith("--email is no e-mail address");
        (await requests.FindAsync(new ErasureAsked(Key, "unknown@example.org", Phone), Cancel)).ShouldBe([Person]);
        (await requests.SharingAsync([Person], Cancel)).ShouldBe([CustomerHash.Of("Shares-1")]);
    }

    [Fact]
    public async Task An_import_is_not_undone_while_another_copies_its_version()
    {
        await using var pimm = await StartAsync();
        var audience = await ImportAsync(pimm);
        await using var merging = await pimm.Database.Owner.OpenConnectionAsync(Cancel);
        await using var transaction = await merging.BeginTransactionAsync(Cancel);
        await merging.ExecuteAsync("select pg_advisory_xact_lock(hashtextextended('versions of an audience', @audience))", new { audience });
        await using var undoing = await pimm.Database.Owner.OpenConnectionAsync(Cancel);

        var refused = await Should.ThrowAsync<Npgsql.PostgresException>(() => undoing.ExecuteAsync("set lock_timeout = 200; select undo_import(id, 'cli:ada', now()) from import_file where kind = 'customers'"));

        refused.SqlState.ShouldBe(Npgsql.PostgresErrorCodes.LockNotAvailable);
    }

    [Fact]
    public async Task It_waits_for_imports_that_began_before_and_goes_on_behind_the_stores_that_are_done()
    {
        await using var pimm = await StartAsync();
        await ImportAsync(pimm);
        await using var connection = await pimm.Database.Owner.OpenConnectionAsync(Cancel);
        var import = await connection.ExecuteScalarAsync<long>(
            """
            insert into job_run(kind, dedupe_key, arguments, state, attempt, fence, owner, started_at, lease_until)
            values ('import', 'slow', '{}', 'running', 1, 1, 'tests', now(), now() + interval '1 hour') returning id
            """);
        var request = await pimm.Service<ErasureRequests>().RequestAsync(Person, new ErasureAsked(Key, null, null), "cli:ada", Cancel);
        var id = await connection.ExecuteScalarAsync<long>("select id from job_run where kind = 'erase'");
        var queue = pimm.Service<JobQueue>();
        while ((await queue.GetAsync(id, Cancel)).ProgressMsg != $"waiting for run {import}, which began before")
        {
            await Task.Delay(50, Cancel);
        }

        // As an attempt leaves it that was killed behind its third store.
        await connection.ExecuteAsync(
            """
            delete from customer_identifier where customer = @Person;
            select erase_customer_key(@Person);
            insert into job_run_step(run_id, step, fence) select @id, unnest(array['identifiers', 'consents', 'keys']), 0;
            update erasure set counts = '{"identifiers": 4, "consents": 1, "keys": 1}';
            update job_run set state = 'succeeded', lease_until = null, finished_at = now() where id = @import;
            """, new { Person, id, import });
        var run = await queue.WaitAsync(id, Cancel);

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        request.Kind.ShouldBe("erase");
        Found(await DumpAsync(pimm), Key, Email, Phone, LastName).ShouldBeEmpty();
        (await connection.ExecuteScalarAsync<string>("select counts->>'identifiers' || ' ' || (counts->>'keys') || ' ' || (counts->>'bad rows') from erasure")).ShouldBe("4 1 1");
    }

    // The campaign lies back: its outcomes come late.
    private static Task<PimmInstance> StartAsync() => PimmInstance.StartAsync(new Dictionary<string, string?> { ["Outcomes:GraceDays"] = "3660" });

    private static string Row(string key, string mail, string mobile, string age) => $"{key},{mail},{mobile},{FirstName},{LastName},yes,2026-01-05T10:00:00Z,{age}";

    /// <summary>40 customers, the person among them, and a bad row of the person's.</summary>
    private static async Task<long> ImportAsync(PimmInstance pimm)
    {
        var audience = await pimm.Service<AudienceStore>().CreateAsync("people", "ref", [new AudienceColumn("age", "number")], ["click"], cancellationToken: Cancel);
        var others = Enumerable.Range(1, 39).Select(i => $"C-{i:00000},c{i}@example.com,+4915112345{i:000},Otto,Muster,yes,2026-01-05T10:00:00Z,{20 + i}");
        var run = await ImportFileAsync(pimm, audience, "people.csv", [.. others, Row(Key, Email, Phone, "41"), Row(Key, Email, Phone, "forty-one"), Row($"{Key}!", Email, Phone, "41")]);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        return audience;
    }

    private static async Task<JobRun> ImportFileAsync(PimmInstance pimm, long audience, string name, IReadOnlyList<string> rows)
    {
        var path = pimm.Write(name, Header + "\n" + string.Join('\n', rows) + "\n");
        var mapping = new ImportMapping
        {
            Columns =
            [
                new("ref", "key"), new("mail", "identifier:email"), new("mobile", "identifier:phone"), new("first", "identifier:first-name"), new("last", "identifier:last-name"),
                new("agreed", "consent:offers/all"), new("agreed_at", "consent-time:offers/all"), new("age", "feature"),
            ],
        };
        var run = await pimm.RunAsync(new JobRequest(ImportFile.JobKind, name, new ImportRequest(audience, "customers", path, AcceptBadShare: 0.6) { Mapping = mapping }), Cancel);
        // Whoever sent a file has it; what Pimm keeps is looked at.
        File.Delete(path);
        return run;
    }

    /// <summary>Every customer is exported, as a plain list and as one for Google.</summary>
    private static async Task<long> PlayAsync(PimmInstance pimm, long audience)
    {
        var models = pimm.Service<ModelStore>();
        var (control, treatment) = (await models.CreateLineAsync(audience, "control", "random", cancellationToken: Cancel), await models.CreateLineAsync(audience, "treatment", "random", cancellationToken: Cancel));
        var campaign = new Campaign(
            0, "spring", audience, control, treatment, "UTC", new DateOnly(2026, 3, 2), 1, 30, 20, 0, 0, "blocks", 1, "spring", "tests", DateTimeOffset.UnixEpoch, ConsentPurpose: "offers");
        var id = await pimm.Service<CampaignStore>().CreateAsync(campaign, Cancel);
        foreach (var line in new[] { control, treatment })
            await DoAsync(pimm, new JobRequest(TrainModelLine.JobKind, $"train {line}", new TrainLineRequest(line)));
        await DoAsync(pimm, new JobRequest("score", "score", new { }, id));
        await pimm.ApproveAsync(id, Cancel);
        await DoAsync(pimm, new JobRequest("allocate", "allocate", new { }, id, campaign.StartsOn));
        await DoAsync(pimm, new JobRequest("export", "export", new { }, id, campaign.StartsOn));
        await DoAsync(pimm, new JobRequest("export", "export google", new { channel = "google-customer-match" }, id, campaign.StartsOn));
        return id;
    }

    /// <summary>Outcomes, and texts and files as they lie about after months.</summary>
    private static async Task LeaveTracesAsync(PimmInstance pimm, long audience, long campaign)
    {
        var outcomes = pimm.Write("outcomes.csv", $"event_id,kind,customer,campaign,wave,stage,occurred_at,amount\ne1,delivered,{Key},{campaign},2026-03-02,,2026-03-02T10:00:00Z,\ne2,outcome,{Key},,,,2026-03-03T10:00:00Z,12\n");
        await DoAsync(pimm, new JobRequest(ImportOutcomes.JobKind, "outcomes", new OutcomesRequest(audience, outcomes, "shop")));
        var taken = Directory.CreateDirectory(Path.Combine(pimm.Folder, "inbox", "people", "taken")).FullName;
        File.Move(outcomes, Path.Combine(taken, "outcomes.csv"));
        await using var owner = await pimm.Database.Owner.OpenConnectionAsync(Cancel);
        await owner.ExecuteAsync(
            """
            insert into job_run_log(run_id, fence, seq, level, message) select min(id), 1, 99, 'warning', @line from job_run;
            update job_run set error = @line, result = jsonb_build_object('note', @line) where id = (select min(id) from job_run);
            insert into import_refusal(run_id, fence, reason) select min(id), 7, @line from job_run;
            insert into suppression(kind, customer, reason, source, recorded_by, at) values ('customer', @Person, 'do-not-contact', @line, 'cli:ada', now());
            """, new { Person, line = $"customer '{Key}' ({Email}, 0176 222 33 44) wrote on 3 May" });
        var upload = await pimm.Service<UploadStore>().ReceiveAsync(new MemoryStream(Encoding.UTF8.GetBytes($"{Header}\n{Row(Key, Email, Phone, "41")}\n")), $"{Key}.csv", "user:ada", Cancel);
        File.Exists(pimm.Service<UploadStore>().PathOf(upload)).ShouldBeTrue();
    }

    private static async Task<JobRun> EraseAsync(PimmInstance pimm, ErasureAsked asked)
    {
        var requests = pimm.Service<ErasureRequests>();
        (await requests.FindAsync(asked, Cancel)).ShouldBe([Person]);
        return await pimm.RunAsync(await requests.RequestAsync(Person, asked, "cli:ada", Cancel), Cancel);
    }

    private static async Task DoAsync(PimmInstance pimm, JobRequest request)
    {
        var run = await pimm.RunAsync(request, Cancel);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
    }

    private static async Task<string> KeptAsync(PimmInstance pimm, long campaign)
    {
        await using var connection = await pimm.Database.Owner.OpenConnectionAsync(Cancel);
        return (await connection.ExecuteScalarAsync<string>(
            """
            select format('assigned %s, scored %s, planned %s, delivered %s, outcomes %s, arms %s',
                (select count(*) from assignment where customer = @Person), (select count(*) from score where customer = @Person), (select count(*) from wave_plan where customer = @Person),
                (select count(*) from delivery where customer = @Person), (select count(*) from customer_outcome where customer = @Person),
                (select md5(string_agg(a::text, '|' order by a.customer)) from assignment a where campaign_id = @campaign))
            """, new { Person, campaign }))!;
    }

    /// <summary>Every table of every schema as text, and every file, each under its name.</summary>
    private static async Task<IReadOnlyDictionary<string, string>> DumpAsync(PimmInstance pimm, string? except = null)
    {
        await using var connection = await pimm.Database.Owner.OpenConnectionAsync(Cancel);
        var dump = new Dictionary<string, string>();
        var tables = await connection.QueryAsync<string>(
            "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_%'");
        foreach (var table in tables)
            dump.Add(table, await connection.ExecuteScalarAsync<string?>($"select string_agg(t::text, E'\\n') from {table} t") ?? "");
        foreach (var path in Directory.EnumerateFiles(pimm.Folder, "*", SearchOption.AllDirectories).Where(path => Path.GetFileName(path) != except))
            dump.Add(path, Path.GetFileName(path) + "\n" + Encoding.Latin1.GetString(await File.ReadAllBytesAsync(path, Cancel)));
        return dump;
    }

    /// <summary>Those of the values that stand somewhere: as text, as hexadecimal digits of bytea, as base64.</summary>
    private static IReadOnlyList<string> Found(IReadOnlyDictionary<string, string> dump, params string[] values) =>
    [
        .. from value in values
           let places = dump.Where(place => Forms(value).Any(form => place.Value.Contains(form, StringComparison.OrdinalIgnoreCase))).Select(place => place.Key).ToList()
           where places.Count > 0
           select value
    ];

    private static IEnumerable<string> Forms(string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        yield return value;
        yield return Convert.ToHexStringLower(bytes);
        // Wherever it begins in what was encoded: the letters that depend on what stands beside it are left out.
        for (var offset = 0; offset < 3; offset++)
        {
            var text = Convert.ToBase64String([.. new byte[offset], .. bytes]);
            yield return text[(offset == 0 ? 0 : 4)..^4];
        }
    }

    private static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
