using Dapper;
using Pimm.Core.Allocating;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;
using Pimm.Core.Simulating;
using Pimm.Database.Tests.KnownLift;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Outcomes;

public sealed class ImportOutcomesTests(SmallCampaign world) : IClassFixture<SmallCampaign>
{
    private const string Header = "event_id,kind,customer,campaign,wave,stage,occurred_at,amount\n";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_event_of_the_campaign_was_counted_once()
    {
        var file = (await world.Pimm.Service<ImportStore>().FilesAsync(world.Audience.Id, Cancel)).Single(f => f.Kind == "outcomes" && f.FileName == $"outcomes-{world.Campaign.Id}.csv");

        file.Created.ShouldBe(file.Received);
        file.Quarantined.ShouldBe(0);
        (await CountAsync("delivery")).ShouldBe(2 * world.Campaign.Days * world.Campaign.ImpressionsPerDay);
    }

    [Fact]
    public async Task The_same_file_again_has_no_effect()
    {
        var before = await CountAsync("customer_outcome");

        var run = await ImportAsync("again", Path.Combine(world.Pimm.Folder, $"outcomes-{world.Campaign.Id}.csv"), "simulated market");

        run.State.ShouldBe(JobStates.Succeeded);
        run.Result!.ShouldContain("\"alreadyImportedAt\"");
        (await CountAsync("customer_outcome")).ShouldBe(before);
    }

    [Fact]
    public async Task Events_known_already_are_skipped_and_the_new_one_is_counted()
    {
        var content = await File.ReadAllLinesAsync(Path.Combine(world.Pimm.Folder, $"outcomes-{world.Campaign.Id}.csv"), Cancel);
        var fresh = $"fresh-1,outcome,{SimulatedMarket.KeyOf(0)},,,,2026-03-05T00:00:00Z,12.50";

        var run = await ImportAsync("overlap", world.Pimm.Write("overlap.csv", string.Join('\n', [.. content, fresh, fresh]) + "\n"), "simulated market");

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        var file = await NewestFileAsync();
        (file.Received, file.Created, file.Skipped, file.Quarantined).ShouldBe((content.Length + 1, 1, content.Length, 0));
    }

    [Fact]
    public async Task What_cannot_be_believed_is_put_aside_with_its_reason()
    {
        var exported = await ExportedAsync(arm: 0);
        var (campaign, wave) = (world.Campaign.Id, $"{exported.WaveDate:yyyy-MM-dd}");
        var stranger = await KeyAsync((await world.Pimm.Service<AllocationStore>().AssignmentsAsync(campaign, Cancel)).First(a => a.Flagged).Customer);
        var key = await KeyAsync(exported.Customer);
        var content = Header
            + "x1,outcome,nobody,,,,2026-03-05T00:00:00Z,\n"
            + $"x2,delivered,{stranger},{campaign},{wave},,2026-03-05T00:00:00Z,\n"
            + $"x3,funnel,{key},{campaign},{wave},core_conversion,2026-03-05T00:00:00Z,\n"
            + $"x4,bought,{key},{campaign},{wave},,2026-03-05T00:00:00Z,\n"
            + $"x5,outcome,{key},,,,yesterday,\n"
            + $"x6,funnel,{key},{campaign},{wave},kissed,2026-03-05T00:00:00Z,\n";

        var run = await ImportAsync("bad", world.Pimm.Write("bad.csv", content), "other channel", acceptBadShare: 1);

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        var file = await NewestFileAsync();
        (file.Received, file.Created, file.Skipped, file.Quarantined).ShouldBe((6, 0, 0, 6));
        var problems = await world.Pimm.Service<ImportStore>().ProblemsAsync(file.Id, cancellationToken: Cancel);
        problems.Select(p => (p.Line, p.Code)).ShouldBe(
            [(2, "unknown_customer"), (3, "unknown_impression"), (4, "funnel_order"), (5, "bad_kind"), (6, ImportCode.BadTime), (7, "bad_stage")]);
    }

    [Fact]
    public async Task Too_many_bad_rows_stop_the_file_with_nothing_applied()
    {
        var before = await CountAsync("customer_outcome");
        var content = Header + $"y1,outcome,{SimulatedMarket.KeyOf(1)},,,,2026-03-05T00:00:00Z,\ny2,outcome,nobody,,,,2026-03-05T00:00:00Z,\n";

        var run = await ImportAsync("half bad", world.Pimm.Write("half.csv", content), "other channel");

        run.State.ShouldBe(JobStates.Failed);
        run.Error.ShouldBe("1 of 2 rows (50 %) of half.csv cannot be used, more than the 5 % allowed; nothing was imported. First: half.csv, line 3, column 'customer': no customer of this audience has this key. Mend the file or give --accept-bad-share.");
        (await CountAsync("customer_outcome")).ShouldBe(before);
    }

    [Fact]
    public async Task Cascade_up_adds_the_stages_before()
    {
        var exported = await ExportedAsync(arm: 1);
        var key = await KeyAsync(exported.Customer);
        var content = Header + $"z1,funnel,{key},{world.Campaign.Id},{exported.WaveDate:yyyy-MM-dd},core_conversion,2026-03-05T00:00:00Z,\n";

        var run = await ImportAsync("cascade", world.Pimm.Write("cascade.csv", content), "third channel", order: "cascade-up");

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        (await connection.QueryAsync<short>("select stage from funnel_label where customer = @Customer order by stage", new { exported.Customer })).ShouldBe([(short)1, (short)2, (short)3]);
    }

    [Fact]
    public async Task Undone_events_take_their_labels_along_and_leave_what_other_events_say()
    {
        var exported = await ExportedAsync(arm: 0);
        var (key, wave, deliveries) = (await KeyAsync(exported.Customer), $"{exported.WaveDate:yyyy-MM-dd}", await CountAsync("delivery"));
        var content = Header
            + $"u1,delivered,{key},{world.Campaign.Id},{wave},,2026-03-05T00:00:00Z,\n"
            + $"u2,funnel,{key},{world.Campaign.Id},{wave},{world.Audience.Funnel[0]},2026-03-05T00:00:00Z,\n"
            + $"u3,outcome,{key},,,,2026-03-05T00:00:00Z,7\n";
        (await ImportAsync("to be undone", world.Pimm.Write("undo.csv", content), "undone channel")).State.ShouldBe(JobStates.Succeeded);
        var file = await NewestFileAsync();
        file.Created.ShouldBe(3);

        var undone = await world.Pimm.Service<UndoImport>().RunAsync(file.Id, "user:ada", Cancel);

        undone.Removed.ShouldBe(new Dictionary<string, long> { ["events"] = 3, ["customerOutcomes"] = 1, ["deliveries"] = 0, ["labels"] = 1 }, ignoreOrder: true);
        (await CountAsync("delivery")).ShouldBe(deliveries);
        (await CountAsync($"funnel_label where customer = '{exported.Customer}'")).ShouldBe(0);
        (await CountAsync("outcome_event where source = 'undone channel'")).ShouldBe(0);
    }

    [Fact]
    public async Task Deliveries_are_counted_by_wave_and_arm_as_they_come_and_go()
    {
        const string Counted = "select string_agg(format('%s %s %s', wave_date, arm, customers), ', ' order by wave_date, arm) from (select wave_date, arm, sum(customers) as customers from delivery_count group by wave_date, arm) c";
        const string There = "select string_agg(format('%s %s %s', wave_date, arm, customers), ', ' order by wave_date, arm) from (select d.wave_date, a.arm, count(*) as customers from delivery d join assignment a using (customer, campaign_id) group by 1, 2) c";
        await using var owner = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        (await owner.ExecuteScalarAsync<string>(Counted)).ShouldBe(await owner.ExecuteScalarAsync<string>(There));

        await using var transaction = await owner.BeginTransactionAsync(Cancel);
        (await owner.ExecuteAsync("delete from delivery where customer in (select customer from delivery order by customer limit 7)", transaction: transaction)).ShouldBeGreaterThan(6);

        (await owner.ExecuteScalarAsync<string>(Counted)).ShouldBe((await owner.ExecuteScalarAsync<string>(There)).ShouldNotBeNull());
    }

    private Task<JobRun> ImportAsync(string key, string path, string source, double acceptBadShare = 0.05, string order = "reject") =>
        world.Pimm.RunAsync(new JobRequest(ImportOutcomes.JobKind, key, new OutcomesRequest(world.Audience.Id, path, source, acceptBadShare, order)), Cancel);

    private async Task<PlanRow> ExportedAsync(int arm)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        var labelled = (await connection.QueryAsync<Guid>("select customer from funnel_label")).ToHashSet();
        return (await world.Pimm.Service<AllocationStore>().PlansAsync(world.Campaign.Id, Cancel))
            .First(p => p.Policy == p.Arm && p.Arm == arm && p.Action == 1 && !labelled.Contains(p.Customer));
    }

    private async Task<string> KeyAsync(Guid customer)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return (await connection.ExecuteScalarAsync<string>($"select customer_key from {world.Audience.CustomersTable} where customer = @customer", new { customer }))!;
    }

    private async Task<long> CountAsync(string table)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<long>($"select count(*) from {table}");
    }

    private async Task<ImportedFile> NewestFileAsync() => (await world.Pimm.Service<ImportStore>().FilesAsync(world.Audience.Id, Cancel))[0];
}
