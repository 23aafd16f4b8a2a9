using Dapper;
using Pimm.Core.Erasing;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Statistics;
using Pimm.Database.Tests.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Erasing;

/// <summary>A person of whom only a file knows that is not finished.</summary>
public sealed class WaitingPersonTests
{
    private const string Key = "Waits-0007";
    private const string Email = "adelheid.zwetschge@example.org";

    private static readonly string[] Kinds = ["import", "erase"];

    private static readonly Guid Person = CustomerHash.Of(Key);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_erasure_takes_the_person_out_of_files_that_are_not_finished_and_no_file_stages_or_lands_the_person_again()
    {
        await using var pimm = await PimmInstance.StartAsync(new Dictionary<string, string?> { ["Importing:ChunkRows"] = "10", ["Importing:Poll"] = "00:00:00.1" });
        await pimm.StopWorkerAsync();
        var audience = await pimm.Service<AudienceStore>().CreateAsync("people", "ref", [new AudienceColumn("age", "number")], ["click"], cancellationToken: Cancel);
        await BreakAsync(pimm, audience, "begun");
        (await CountAsync(pimm, "select count(*) from import_identifier where customer = @Person")).ShouldBe(1);
        var (staged, ofAddress) = (await CountAsync(pimm, "select count(*) from import_identifier"), await CountAsync(pimm, Sharing));
        (staged, ofAddress).ShouldBe((20, 2));
        var asked = new ErasureAsked(null, Email, null);

        await using (await FaultyWorker.StartAsync(pimm, Kinds, (_, _) => { }))
        {
            var requests = pimm.Service<ErasureRequests>();
            (await requests.FindAsync(asked, Cancel)).ShouldBe([Person, CustomerHash.Of("begun-15")], ignoreOrder: true);
            (await pimm.RunAsync(await requests.RequestAsync(Person, asked, "cli:ada", Cancel), Cancel)).State.ShouldBe(JobStates.Succeeded);
        }

        (await CountAsync(pimm, "select count(*) from import_identifier where customer = @Person")).ShouldBe(0);
        (await CountAsync(pimm, "select count(*) from import_consent where customer = @Person")).ShouldBe(0);
        (await CountAsync(pimm, Sharing)).ShouldBe(0);
        (await CountAsync(pimm, "select count(*) from import_identifier")).ShouldBe(staged - ofAddress);
        (await CountAsync(pimm, "select (counts->>'waiting identifiers')::bigint + 10 * (counts->>'waiting consents')::bigint from erasure")).ShouldBe(12);

        // Another file that will never be finished, and then the one that was begun before.
        await BreakAsync(pimm, audience, "later");
        (await CountAsync(pimm, "select count(*) from import_identifier i join import_file f on f.id = i.import_file_id where f.file_name = 'later.csv'")).ShouldBe(18);
        (await CountAsync(pimm, "select count(*) from import_identifier where customer = @Person") + await CountAsync(pimm, Sharing)).ShouldBe(0);
        (await CountAsync(pimm, "select count(*) from import_consent where customer = @Person")).ShouldBe(0);
        await using var worker = await FaultyWorker.StartAsync(pimm, Kinds, (_, _) => { });
        (await ImportAsync(pimm, audience, "begun", "again")).State.ShouldBe(JobStates.Succeeded);

        var file = (await pimm.Service<ImportStore>().FilesAsync(audience, Cancel)).ShouldHaveSingleItem();
        (file.Received, file.Created, file.Skipped).ShouldBe((25, 24, 1));
        (await CountAsync(pimm, $"select count(*) from audience.customers_{audience} where customer = @Person and version = (select max(version) from audience_version)")).ShouldBe(0);
        (await CountAsync(pimm, "select count(*) from customer_identifier")).ShouldBe(23);
        (await CountAsync(pimm, "select count(*) from customer_identifier where customer = @Person") + await CountAsync(pimm, Sharing.Replace("import_identifier", "customer_identifier", StringComparison.Ordinal))).ShouldBe(0);
    }

    /// <summary>Rows under the person's address, whoever's: those of the customers 7 and 15.</summary>
    private const string Sharing = "select count(*) from import_identifier where blind_index in (select key from suppression where reason = 'erased' and kind = 'email') or customer in (@Person, @Begun, @Later)";

    // Stops for good behind its second chunk of ten.
    private static async Task BreakAsync(PimmInstance pimm, long audience, string name)
    {
        var chunks = 0;
        await using var worker = await FaultyWorker.StartAsync(pimm, Kinds, (_, point) =>
        {
            if (point == "import.chunk-done" && ++chunks == 2) throw new InvalidOperationException("broken after the second chunk");
        });
        (await ImportAsync(pimm, audience, name, "broken")).State.ShouldBe(JobStates.Failed);
    }

    private static Task<JobRun> ImportAsync(PimmInstance pimm, long audience, string name, string run)
    {
        var rows = Enumerable.Range(0, 25).Select(row => row switch
        {
            7 => $"{Key},{Email},yes,2026-01-05T10:00:00Z,30",
            15 => $"{name}-15,{Email},yes,2026-01-05T10:00:00Z,30",
            _ => FormattableString.Invariant($"{name}-{row},{name}{row}@example.com,yes,2026-01-05T10:00:00Z,30"),
        });
        var path = pimm.Write($"{name}.csv", "ref,mail,ok,since,age\n" + string.Join('\n', rows) + "\n");
        var mapping = new ImportMapping
        {
            Columns = [new("ref", "key"), new("mail", "identifier:email"), new("ok", "consent:offers/all"), new("since", "consent-time:offers/all"), new("age", "feature")],
        };
        return pimm.RunAsync(new JobRequest(ImportFile.JobKind, $"{name} {run}", new ImportRequest(audience, "customers", path) { Mapping = mapping }, MaxAttempts: 1), Cancel);
    }

    private static async Task<long> CountAsync(PimmInstance pimm, string sql)
    {
        await using var connection = await pimm.Database.Owner.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<long>(sql, new { Person, Begun = CustomerHash.Of("begun-15"), Later = CustomerHash.Of("later-15") });
    }
}
