using Dapper;
using Microsoft.Extensions.Options;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;
using Pimm.Core.Scheduling;
using Pimm.Core.Retaining;
using Pimm.Core.Scoring;
using Pimm.Jobs.Scheduling;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Scheduling;

/// <summary>An occasion becomes runs once.</summary>
public sealed class ScheduleFiringsTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Night = new(2027, 3, 28, 1, 0, 0, TimeSpan.Zero);

    private TestDatabase database = null!;
    private ScheduleStore schedules = null!;
    private JobQueue queue = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.MigratedAsync();
        (schedules, queue) = (new ScheduleStore(database.DataSource), new JobQueue(database.DataSource));
    }

    [Fact]
    public async Task Eight_schedulers_that_fire_the_same_occasion_ask_for_its_runs_once()
    {
        var nightly = await RetrainAsync();

        var fired = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => Firings().FireAsync(nightly, Of(nightly), $"scheduler {n}", Cancel)));

        fired.Count(firing => firing.IsNew).ShouldBe(1);
        var runs = await queue.ListAsync(cancellationToken: Cancel);
        runs.Select(run => (run.Kind, run.DedupeKey, run.LogicalDate)).ShouldBe([
            ("promote", $"schedule/{nightly.Id}/2027-03-28", new DateOnly(2027, 3, 28)), ("train", $"schedule/{nightly.Id}/2027-03-28", new DateOnly(2027, 3, 28))]);
        runs[0].AfterRuns.ShouldBe([runs[1].Id]);
        fired.ShouldAllBe(firing => firing.Firing.Runs.SequenceEqual(new[] { runs[1].Id, runs[0].Id }));
    }

    [Fact]
    public async Task A_worker_that_dies_before_the_commit_leaves_nothing_and_after_it_everything()
    {
        var nightly = await RetrainAsync();
        foreach (var (point, left) in new[] { ("schedule.fired", 0), ("schedule.enqueued", 2) })
        {
            var dying = Firings();
            FaultPoint.Listener = name => { if (name == point) throw new InvalidOperationException(name); };
            try
            {
                await Should.ThrowAsync<InvalidOperationException>(() => dying.FireAsync(nightly, Of(nightly), "dying", Cancel));
            }
            finally
            {
                FaultPoint.Listener = null;
            }
            (await queue.ListAsync(cancellationToken: Cancel)).Count.ShouldBe(left);
        }
        (await Firings().FireAsync(nightly, Of(nightly), "other", Cancel)).IsNew.ShouldBeFalse();
    }

    [Fact]
    public async Task A_budget_goes_to_every_run_and_a_run_by_hand_is_one_more()
    {
        var nightly = await RetrainAsync("""{"maxHours": 6}""");
        await Firings().FireAsync(nightly, Of(nightly), "clock", Cancel);
        var byHand = await Firings().FireAsync(nightly, Occasion.ByHand(nightly, Night.AddHours(2)), "ann", Cancel);

        byHand.IsNew.ShouldBeTrue();
        var runs = await queue.ListAsync(cancellationToken: Cancel);
        runs.Count.ShouldBe(4);
        runs.ShouldAllBe(run => run.MaxDuration == TimeSpan.FromHours(6));
    }

    [Fact]
    public async Task A_look_into_the_inbox_that_waits_is_not_asked_for_again()
    {
        var collect = await schedules.GetAsync("outcome files", Cancel);
        var first = await Firings().FireAsync(collect, Occasion.Of(collect, Night), "clock", Cancel);
        var second = await Firings().FireAsync(collect, Occasion.Of(collect, Night.AddMinutes(10)), "clock", Cancel);

        second.Firing.Runs.ShouldBe(first.Firing.Runs);
        second.Firing.Outcome.ShouldBe($"run {first.Firing.Runs[0]} waits already");
    }

    [Fact]
    public async Task Missed_dates_are_listed_and_back_filled_once_and_only_those()
    {
        var nightly = await RetrainAsync();
        await ExecuteAsync($"update schedule set active_since = '2027-03-25T12:00Z' where id = {nightly.Id}");
        nightly = await schedules.GetAsync(nightly.Name, Cancel);
        await Firings().FireAsync(nightly, Of(nightly), "clock", Cancel);
        var calendar = Calendar(Night.AddHours(3));

        (await calendar.MissedAsync(nightly, Cancel)).Select(missed => missed.Key).ShouldBe(["2027-03-26", "2027-03-27"]);
        var byHand = new FiringByHand(Firings(), new AuditLog(database.DataSource), new At(Night.AddHours(3)));
        var filled = await byHand.BackFillAsync(nightly, [(await calendar.MissedAsync(nightly, Cancel))[1]], "user:ann", "ann", Cancel);

        (await queue.GetAsync(filled[0].Runs[0], Cancel)).Arguments.ShouldContain("\"asOf\": \"2027-03-27T01:30:00+00:00\"");
        (await calendar.MissedAsync(nightly, Cancel)).Select(missed => missed.Key).ShouldBe(["2027-03-26"]);
        filled[0].FiredBy.ShouldBe("back-fill by ann");
        (await calendar.MissedAsync(nightly with { Enabled = false }, Cancel)).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_fired_so_long_ago_that_it_may_be_forgotten_is_not_missed()
    {
        var collect = await schedules.GetAsync("outcome files", Cancel) with { Cron = "0 * * * *", ActiveSince = Night.AddDays(-60) };
        var daily = await schedules.GetAsync("retention", Cancel) with { ActiveSince = Night.AddDays(-60) };

        (await Calendar(Night).MissedAsync(collect, Cancel)).Min(missed => missed.At).ShouldBeGreaterThan(Night.AddDays(-7));
        (await Calendar(Night).MissedAsync(daily, Cancel)).Count.ShouldBe(31);
        (await Calendar(Night, keptDays: 5).MissedAsync(daily, Cancel)).Min(missed => missed.At).ShouldBeGreaterThan(Night.AddDays(-5));
    }

    [Fact]
    public async Task A_campaign_s_firing_goes_by_what_is_there_of_it()
    {
        var campaign = await CampaignAsync();
        var schedule = await schedules.AddAsync(Schedule.New("waves", ScheduleKinds.Campaign, null, campaign.Id, "0 5 * * *", campaign.TimeZone, "ann"), Cancel);
        var firings = Firings(new At(campaign.StartsAt.AddHours(6)));

        var first = await firings.FireAsync(schedule, Day(campaign, 0), "clock", Cancel);
        var scoring = await queue.GetAsync(first.Firing.Runs[0], Cancel);
        var second = await firings.FireAsync(schedule, Day(campaign, 1), "clock", Cancel);
        await ExecuteAsync($"set session_replication_role = replica; insert into scoring (campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions, finished_at) values ({campaign.Id}, 1, 1, 1, 5, '[]', now())");
        var third = await firings.FireAsync(schedule, Day(campaign, 2), "clock", Cancel);
        var after = await firings.FireAsync(schedule, Day(campaign, 99), "clock", Cancel);

        first.Firing.Outcome.ShouldBe("the wave of 2027-03-01: score, then allocate, then export");
        (await queue.GetAsync(second.Firing.Runs[0], Cancel)).AfterRuns.ShouldBe([scoring.Id]);
        (await queue.GetAsync(third.Firing.Runs[0], Cancel)).AfterRuns.ShouldBeEmpty();
        (await queue.GetAsync(third.Firing.Runs[1], Cancel)).AfterRuns.ShouldBe([third.Firing.Runs[0]]);
        (after.Firing.Runs.Length, after.Firing.Outcome[..13]).ShouldBe((0, "nothing to do"));
        var retraining = await RetrainAsync();
        var trained = await Firings().FireAsync(retraining with { ModelLineId = campaign.TreatmentLineId }, Of(retraining), "clock", Cancel);
        (await queue.GetAsync(trained.Firing.Runs[0], Cancel)).Arguments.ShouldContain("\"windowDays\": 14");
    }

    [Fact]
    public async Task Lift_reports_are_asked_for_of_campaigns_with_waves_until_one_after_their_close()
    {
        var campaign = await CampaignAsync();
        var lift = await schedules.GetAsync("lift reports", Cancel);
        (await FireAsync(0)).Runs.ShouldBeEmpty();
        await ExecuteAsync($"set session_replication_role = replica; insert into wave (campaign_id, wave_date, scoring_id, impressions, exploration, impressions_at, published_at) values ({campaign.Id}, '2027-03-01', 1, 1, 0, now(), now())");
        (await FireAsync(1)).Runs.Length.ShouldBe(1);
        await ReportAsync(1, campaign.ClosesAt.AddMinutes(-1));
        (await queue.GetAsync((await FireAsync(2)).Runs[0], Cancel)).DedupeKey.ShouldBe($"schedule/{lift.Id}/2027-03-03/{campaign.Id}");
        await ReportAsync(2, campaign.ClosesAt);
        (await FireAsync(3)).Runs.ShouldBeEmpty();

        async Task<ScheduleFiring> FireAsync(int day) => (await Firings().FireAsync(lift, Day(campaign, day), "clock", Cancel)).Firing;
        Task ReportAsync(int version, DateTimeOffset at) => ExecuteAsync($"insert into lift_report (campaign_id, version, as_of, report, code_version, computed_at) values ({campaign.Id}, {version}, now(), '{{}}', '', '{at:u}')");
    }

    private async Task<Campaign> CampaignAsync()
    {
        await ExecuteAsync("""
            insert into audience (name, key_column, columns, funnel, created_at) values ('b', 'id', '[]', '{click,buy}', now());
            insert into model_line (audience_id, name, network, created_at) select id, n, 'pimm', now() from audience, unnest('{control,treatment}'::text[]) n
            """);
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        var lines = (await connection.QueryAsync<long>("select id from model_line order by id")).ToList();
        var audience = await connection.ExecuteScalarAsync<long>("select id from audience where name = 'b'");
        var campaigns = new CampaignStore(database.DataSource);
        return await campaigns.GetAsync(await campaigns.CreateAsync(
            new Campaign(0, "March", audience, lines[0], lines[1], "Asia/Shanghai", new DateOnly(2027, 3, 1), 31, 14, 1000, 0.1, 0.1, "best-of", 100, "salt", "ann", Night), Cancel), Cancel);
    }

    private static Occasion Day(Campaign campaign, int day) =>
        new(campaign.StartsOn.AddDays(day).ToString("yyyy-MM-dd"), campaign.StartsOn.AddDays(day), campaign.StartOf(campaign.StartsOn.AddDays(day)).AddHours(5));

    private async Task<Schedule> RetrainAsync(string arguments = "{}")
    {
        await ExecuteAsync("""
            insert into audience (name, key_column, columns, funnel, created_at) values ('a', 'id', '[]', '{click,buy}', now());
            insert into model_line (audience_id, name, network, created_at) select id, 'line', 'pimm', now() from audience where name = 'a'
            """);
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        var line = await connection.ExecuteScalarAsync<long>("select max(id) from model_line");
        return await schedules.AddAsync(Schedule.New("nightly", ScheduleKinds.Retrain, line, null, "30 2 * * *", "Europe/Berlin", "ann") with { Arguments = arguments }, Cancel);
    }

    private ScheduleFirings Firings(TimeProvider? time = null) => new(
        database.DataSource, queue, new ScheduleFacts(database.DataSource, new CampaignStore(database.DataSource), new ScoringStore(database.DataSource)),
        schedules, time ?? TimeProvider.System);

    private ScheduleCalendar Calendar(DateTimeOffset now, int keptDays = 400) => new(
        schedules, Options.Create(new RetentionOptions { RunDays = keptDays }), new At(now));

    private static Occasion Of(Schedule schedule) => Occasion.Of(schedule, Night);

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync(sql);
    }

    public ValueTask DisposeAsync() => database.DisposeAsync();

    private sealed class At(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
