using Dapper;
using Pimm.Core.Exporting;
using Pimm.Core.Identifying;
using Pimm.Core.Queueing;
using Pimm.Core.Suppressing;
using Pimm.Database.Tests.KnownLift;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Exporting;

/// <summary>Lists that only name who agreed, and what an erasure or a changed identifier does to a list that was handed out.</summary>
public sealed class ConsentedListTests : IAsyncLifetime
{
    private readonly SmallCampaign world = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => world.InitializeAsync();

    public ValueTask DisposeAsync() => world.DisposeAsync();

    private DateOnly Day(int wave) => world.Campaign.StartsOn.AddDays(wave);

    private Task<JobRun> ExportAsync(string channel, DateOnly date, string key) =>
        world.Pimm.RunAsync(new JobRequest(ExportWave.JobKind, key, new ExportRequest(channel), world.Campaign.Id, date), Cancel);

    private async Task<ExportedList> ListAsync(string channel, DateOnly date, int arm) => (await world.Pimm.Service<ExportStore>().FindAsync(world.Campaign.Id, date, arm, channel, Cancel))!;

    [Fact]
    public async Task Only_who_consented_to_the_purpose_is_listed_and_who_takes_it_back_is_removed()
    {
        await using var connection = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        // As if it had been defined so: the demo's campaigns are split already, and then nothing of them changes.
        await connection.ExecuteAsync("set session_replication_role = replica; update campaign set consent_purpose = 'ads'; set session_replication_role = origin");
        await world.Pimm.ApproveAsync(world.Campaign.Id, Cancel);
        var planned = (await connection.QueryAsync<Guid>("select customer from wave_plan where policy = arm and arm = 0 and action = 1 and wave_date = @day order by customer", new { day = Day(0) })).ToList();
        var seen = new DateTimeOffset(2026, 2, 1, 0, 0, 0, TimeSpan.Zero);
        await world.Pimm.Service<IdentifierStore>().SaveAsync(connection, [.. planned.Select((customer, row) => new CustomerIdentifier(customer, IdentifierKind.Email, $"c{row}@example.com", seen))], Cancel);
        await world.Pimm.Service<ConsentStore>().RecordAsync(connection, [
            .. planned[..10].Select(customer => new ConsentRecord(customer, "ads", "tiktok", true, seen, "web form")),
            .. planned[10..20].Select(customer => new ConsentRecord(customer, "letters", "tiktok", true, seen, "web form"))]);

        (await ExportAsync("tiktok", Day(0), "consent")).Error.ShouldBeNull();
        var list = await ListAsync("tiktok", Day(0), 0);
        (list.Rows, list.Withheld, list.ReadManifest()!.Gate.Purpose).ShouldBe((10, 50, "ads"));
        list.ReadManifest()!.Gate.Because.ShouldBe(new Dictionary<string, long> { ["no-consent"] = 50 });

        await world.Pimm.Service<ConsentStore>().RecordAsync(connection, [new ConsentRecord(planned[4], "ads", "tiktok", false, seen.AddDays(9), "phone call")]);
        (await ExportAsync("tiktok", Day(1), "withdrawn")).Error.ShouldBeNull();
        (await ListAsync("tiktok", Day(1), 0)).ReadManifest()!.Remove!.Rows.ShouldBe(1);
    }

    [Fact]
    public async Task An_erased_customer_is_withheld_and_cannot_be_named_to_the_channel_any_more()
    {
        await using var connection = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        var person = await connection.QuerySingleAsync<Guid>("select customer from wave_plan where policy = arm and arm = 1 and action = 1 and wave_date = @day order by customer limit 1", new { day = Day(0) });
        await connection.ExecuteAsync("insert into erasure(customer, requested_at, requested_by) values (@person, now(), 'test')", new { person });
        await connection.ExecuteAsync("insert into suppression(kind, customer, reason, source, recorded_by, at) values ('customer', @person, 'erased', 'a letter', 'test', now())", new { person });
        File.Delete(Path.Combine(world.Pimm.Folder, "exports", (await ListAsync("generic-csv", Day(0), 1)).FileName));

        (await ExportAsync("generic-csv", Day(0), "erased")).Error.ShouldBeNull();

        var list = await ListAsync("generic-csv", Day(0), 1);
        (list.Revision, list.Rows, list.Withheld).ShouldBe((2, 59, 1));
        var manifest = list.ReadManifest()!;
        (manifest.Remove!.Rows, manifest.Remove.Unknown).ShouldBe((0, 1));
        (await ListAsync("generic-csv", Day(0), 0)).Revision.ShouldBe(1);
    }

    [Fact]
    public async Task Each_arm_takes_back_whoever_opted_out_though_its_first_list_is_as_it_was()
    {
        await using var connection = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        var late = await connection.QuerySingleAsync<Guid>("select customer from wave_plan where policy = arm and arm = 0 and action = 1 and wave_date = @day order by customer limit 1", new { day = Day(1) });
        var early = await connection.QuerySingleAsync<Guid>("select customer from wave_plan where policy = arm and arm = 1 and action = 1 and wave_date = @day order by customer limit 1", new { day = Day(0) });
        await connection.ExecuteAsync("insert into suppression(kind, customer, reason, source, recorded_by, at) select 'customer', unnest(@people), 'objection', 'a letter', 'test', now()", new { people = new[] { late, early } });

        (await world.Pimm.RunAsync(new JobRequest(ExportWave.JobKind, "both arms", new ExportRequest("generic-csv"), world.Campaign.Id), Cancel)).Error.ShouldBeNull();

        var (ofLate, ofEarly) = (await ListAsync("generic-csv", Day(1), 0), await ListAsync("generic-csv", Day(0), 1));
        (ofLate.Revision, ofEarly.Revision, (await ListAsync("generic-csv", Day(0), 0)).Revision).ShouldBe((2, 2, 1));
        (ofLate.ReadManifest()!.Remove!.Rows, ofEarly.ReadManifest()!.Remove!.Rows).ShouldBe((1, 1));
        (await connection.QueryAsync<(Guid, string?)>("select customer, removed_with from export_withheld order by arm")).ShouldBe(
            [(late, ofLate.ReadManifest()!.Remove!.File), (early, ofEarly.ReadManifest()!.Remove!.File)]);
    }

    [Fact]
    public async Task A_list_whose_identifiers_changed_stays_as_it_was_and_who_opted_out_is_taken_back_all_the_same()
    {
        await using var connection = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        var planned = (await connection.QueryAsync<Guid>("select customer from wave_plan where policy = arm and arm = 0 and action = 1 and wave_date = @day order by customer", new { day = Day(0) })).ToList();
        var before = await ListAsync("generic-csv", Day(0), 0);
        await world.Pimm.Service<IdentifierStore>().SaveAsync(connection, [new CustomerIdentifier(planned[7], IdentifierKind.Email, "new@example.com", DateTimeOffset.UnixEpoch)], Cancel);

        (await ExportAsync("generic-csv", Day(0), "changed")).Error!.ShouldContain("customers or their identifiers were altered meanwhile");
        await connection.ExecuteAsync("insert into suppression(kind, customer, reason, source, recorded_by, at) values ('customer', @person, 'objection', 'a letter', 'test', now())", new { person = planned[3] });
        await connection.ExecuteAsync("insert into suppression(kind, customer, reason, source, recorded_by, at) values ('customer', @person, 'objection', 'a letter', 'test', now())", new { person = planned[3] });
        var run = await ExportAsync("generic-csv", Day(0), "changed, and less");

        run.Error.ShouldBeNull();
        (await connection.QueryAsync<string>("select message from job_run_log where run_id = @Id and level = 'warning'", new { run.Id })).ShouldContain(line => line.Contains("customers or their identifiers were altered meanwhile"));
        var (person, file) = await connection.QuerySingleAsync<(Guid, string)>("select customer, removed_with from export_withheld");
        (person, file).ShouldBe((planned[3], $"{Path.GetFileNameWithoutExtension(before.FileName)}_x{run.Id}_remove.csv"));
        (await File.ReadAllLinesAsync(Path.Combine(world.Pimm.Folder, "exports", file), Cancel)).Length.ShouldBe(2);
        (await connection.ExecuteScalarAsync<long>("select rows from export_file where file_name = @file", new { file })).ShouldBe(1);
        (await ListAsync("generic-csv", Day(0), 0)).Sha256.ShouldBe(before.Sha256);
        Directory.EnumerateFiles(Path.Combine(world.Pimm.Folder, "exports"), "*.tmp").ShouldBeEmpty();
    }
}
