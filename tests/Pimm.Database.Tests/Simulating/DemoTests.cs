using Dapper;
using Pimm.Core;
using Pimm.Core.Approving;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Lift;
using Pimm.Core.Queueing;
using Pimm.Core.Simulating;
using Pimm.Core.Training;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Simulating;

public sealed class DemoTests
{
    [Fact]
    public async Task The_demo_has_every_state_plays_a_night_ahead_of_the_clock_and_goes_without_a_trace()
    {
        await using var pimm = await PimmInstance.StartAsync();
        await LoadAsync(pimm);

        var campaigns = await pimm.Service<CampaignStore>().ListAsync("", 0, 10);
        campaigns.Count.ShouldBe(3);
        var (finished, running, waiting) = (One(campaigns, "base"), One(campaigns, "harvest"), One(campaigns, "null"));
        finished.State.ShouldBe("finished");
        (await CountAsync(pimm, $"select count(*) from wave where campaign_id = {running.Id}")).ShouldBe(2);
        (await CountAsync(pimm, $"select count(*) from campaign_submission where campaign_id = {waiting.Id}")).ShouldBe(1);
        (await CountAsync(pimm, "select count(*) from model_version v join model_line l on l.id = v.model_line_id where l.network in ('pimm', 'shared-bottom')")).ShouldBe(6);
        (await CountAsync(pimm, "select count(*) from job_run where kind = 'import' and state = 'failed'")).ShouldBe(1);

        await pimm.Service<ApprovalDesk>().ApproveAsync(waiting.Id, "user:approver", null);
        var before = (await pimm.Service<LiftStore>().NewestAsync(running.Id))!;
        foreach (var run in await pimm.Service<DemoNight>().StartAsync("cli:tests", pimm.Folder, default))
        {
            (await pimm.Service<JobQueue>().WaitAsync(run, default)).State.ShouldBe(JobStates.Succeeded);
        }
        await EndAsync(pimm);
        (await CountAsync(pimm, $"select count(*) from wave where campaign_id = {running.Id}")).ShouldBe(3);
        (await CountAsync(pimm, $"select count(*) from wave where campaign_id = {waiting.Id}")).ShouldBe(1, "approved, it begins with the night");
        var after = (await pimm.Service<LiftStore>().NewestAsync(running.Id))!;
        LiftReport.FromJson(after.Report).AsOf.ShouldBeGreaterThan(LiftReport.FromJson(before.Report).AsOf);
        (await pimm.Service<LiftStore>().NewestAsync(finished.Id))!.Version.ShouldBe(1);

        var audited = await CountAsync(pimm, "select count(*) from audit_event");
        await pimm.Service<DemoReset>().RunAsync("cli:tests", default);
        foreach (var table in (string[])["audience", "campaign", "job_run", "model_version", "wave_plan", "outcome_event", "lift_report", "export"])
        {
            (await CountAsync(pimm, $"select count(*) from {table}")).ShouldBe(0, table);
        }
        (await CountAsync(pimm, "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'audience'")).ShouldBe(0);
        (await CountAsync(pimm, "select count(*) from audit_event")).ShouldBe(audited + 1);
        (await CountAsync(pimm, "select count(*) from schedule")).ShouldBe(3, "those that name no campaign and no line stay");
    }

    [Fact]
    public async Task One_real_audience_or_a_run_under_way_keeps_everything()
    {
        await using var pimm = await PimmInstance.StartAsync();
        await pimm.Service<AudienceStore>().CreateAsync("real", "customer", [new AudienceColumn("age", "number")], ["click"]);

        (await Should.ThrowAsync<InputException>(() => pimm.Service<DemoReset>().RunAsync("cli:tests", default))).Message.ShouldContain("real customers");
        await using (var owner = await pimm.Database.Owner.OpenConnectionAsync())
        {
            await owner.ExecuteAsync("update audience set simulated = true; insert into job_run (kind, dedupe_key, arguments, state, owner, lease_until) values ('train', 'x', '{}', 'running', 'tests', now() + interval '1 hour')");
        }
        (await Should.ThrowAsync<InputException>(() => pimm.Service<DemoReset>().RunAsync("cli:tests", default))).Message.ShouldContain("1 runs are under way");
        (await CountAsync(pimm, "select count(*) from audience")).ShouldBe(1);
    }

    private static CampaignSummary One(IEnumerable<CampaignSummary> campaigns, string world) => campaigns.Single(campaign => campaign.Audience.Contains(world, StringComparison.Ordinal));

    private static async Task LoadAsync(PimmInstance pimm)
    {
        await pimm.Service<JobQueue>().EnqueueAsync(LoadDemo.First(new LoadDemoRequest(pimm.Folder, Customers: 10_000)));
        await EndAsync(pimm);
        (await pimm.Service<JobQueue>().ListAsync(kind: LoadDemo.JobKind)).ShouldAllBe(run => run.State == JobStates.Succeeded);
    }

    private static async Task EndAsync(PimmInstance pimm)
    {
        while (await CountAsync(pimm, "select count(*) from job_run where state in ('queued', 'running')") > 0)
        {
            await Task.Delay(50);
        }
    }

    private static async Task<long> CountAsync(PimmInstance pimm, string sql)
    {
        await using var connection = await pimm.Database.DataSource.OpenConnectionAsync();
        return await connection.ExecuteScalarAsync<long>(sql);
    }
}
