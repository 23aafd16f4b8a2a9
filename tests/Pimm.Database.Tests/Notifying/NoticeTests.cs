using Dapper;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Pimm.Core;
using Pimm.Core.Notifying;
using Pimm.Core.Operating;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Notifying;

/// <summary>What people are told: once for a cause, until it is gone.</summary>
public sealed class NoticeTests : IAsyncLifetime
{
    private TestDatabase database = null!;
    private ServiceProvider pimm = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private NoticeStore Notices => pimm.GetRequiredService<NoticeStore>();

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.MigratedAsync();
        var settings = new ConfigurationBuilder().AddInMemoryCollection(database.Environment.ToDictionary(pair => pair.Key.Replace("__", ":", StringComparison.Ordinal), string? (pair) => pair.Value)).Build();
        pimm = new ServiceCollection().AddLogging(logging => logging.ClearProviders()).AddSingleton(TimeProvider.System).AddSingleton<IConfiguration>(settings).AddPimmCore(settings)
            .AddSingleton<NoticeSampler>().BuildServiceProvider();
    }

    public async ValueTask DisposeAsync()
    {
        await pimm.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task A_failure_is_told_once_when_no_try_is_left_and_resolved_when_somebody_tries_again()
    {
        var run = await RunAsync("score");
        await TryAsync(run, "queued", "the disk was full");
        (await OpenAsync("run-failed")).ShouldBeEmpty();

        await TryAsync(run, "failed", "the disk was full\nand a stack");
        await SampleAsync();
        await SampleAsync();

        var told = (await OpenAsync("run-failed")).ShouldHaveSingleItem();
        (told.Text, told.Object, told.ObjectId, told.Severity, told.Seen).ShouldBe(($"Run {run} (score) failed: the disk was full", "run", run, "error", false));

        await pimm.GetRequiredService<JobQueue>().RetryAsync(run, Cancel);
        (await OpenAsync("run-failed")).ShouldBeEmpty();
        (await Notices.ListAsync(1, resolved: true, 0, 10, Cancel)).ShouldContain(notice => notice.Id == told.Id && notice.ResolvedAt != null);
        (await database.Owner.CreateCommand($"select count(*) from job_run_attempt where run_id = {run} and ended_as = 'failed'").ExecuteScalarAsync(Cancel)).ShouldBe(2L);
    }

    [Fact]
    public async Task What_failed_only_because_another_run_did_is_not_told_and_what_a_later_run_did_better_is_resolved()
    {
        var first = await RunAsync("score");
        var after = await pimm.GetRequiredService<JobQueue>().EnqueueAsync(new JobRequest("allocate", "after", new { }, After: [first]), Cancel);
        await TryAsync(first, "failed", "broken");
        (await pimm.GetRequiredService<JobQueue>().GetAsync(after, Cancel)).State.ShouldBe("failed");
        (await OpenAsync("run-failed")).Select(notice => notice.ObjectId).ShouldBe([first]);

        var later = await RunAsync("score", "again");
        await TryAsync(later, "succeeded", null);
        await SampleAsync();

        (await OpenAsync("run-failed")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Workers_and_disks_are_told_by_whoever_is_left_to_tell()
    {
        await SampleAsync();
        (await OpenAsync("worker-gone")).ShouldHaveSingleItem().Text.ShouldStartWith("No worker is at work");
        await Notices.ApplyAsync([new NoticeCause(NoticeStore.DiskLow, "warning", NoticeStore.DiskCause("elsewhere", "exports"), "exports on elsewhere: full", "disk")], "elsewhere", 90, Cancel);

        await ExecuteAsync("insert into worker (name, host, pid, version, kinds, capabilities, slots, schedules) values ('w1', 'h', 1, '1', '{}', '{}', 1, false), ('w2', 'h', 2, '1', '{}', '{}', 1, false)");
        await ExecuteAsync("update worker set seen_at = now() - interval '2 minutes' where name = 'w2'");
        await SampleAsync();

        (await OpenAsync("worker-gone")).ShouldHaveSingleItem().Text.ShouldBe("The worker w2 fell silent without a word: look at its log.");
        (await OpenAsync(NoticeStore.DiskLow)).ShouldHaveSingleItem().Text.ShouldBe("exports on elsewhere: full");
        await Notices.ApplyAsync([], "elsewhere", 90, Cancel);
        (await OpenAsync(NoticeStore.DiskLow)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Each_person_sees_for_themselves_and_webhooks_are_told_ids_only()
    {
        await ExecuteAsync("insert into app_user (user_name, normalized_user_name, security_stamp) values ('a', 'A', 's'), ('b', 'B', 's'); insert into webhook (url, events, secret, created_by) values ('https://hooks.example.com', '{notice.raised}', '\\x00', 'tests')");
        await TryAsync(await RunAsync("score"), "failed", "the file anna@example.com.csv is no good");

        await Notices.SeeAllAsync(1, Cancel);

        (await Notices.CountAsync(1, Cancel)).Unseen.ShouldBe(0);
        (await Notices.CountAsync(2, Cancel)).Unseen.ShouldBe(1);
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        var body = await connection.QuerySingleAsync<string>("select body from notice where event = 'notice.raised'");
        body.ShouldContain("run-failed");
        body.ShouldNotContain("anna");
    }

    [Fact]
    public async Task A_schedule_that_is_late_and_missed_its_night_is_told_once()
    {
        var schedule = await database.Owner.CreateCommand("select id from schedule where name = 'lift reports'").ExecuteScalarAsync(Cancel);
        await ExecuteAsync($"insert into schedule_outlook (schedule_id, version, next_at, missed, missed_at, computed_at) select id, version, '{{}}', '{{2026-01-01}}', array[now() - interval '6 hours'], now() from schedule where id = {schedule}");
        await SampleAsync();
        (await OpenAsync("night-missed")).ShouldHaveSingleItem().ObjectId.ShouldBe(schedule);

        await ExecuteAsync($"update schedule set active_since = now() - interval '1 year' where id = {schedule}");
        await SampleAsync();
        (await OpenAsync("night-missed")).ShouldBeEmpty();
        (await OpenAsync(NoticeStore.Schedule)).ShouldHaveSingleItem().Text.ShouldContain("lift reports");

        await ExecuteAsync($"update schedule set active_since = now() where id = {schedule}");
        await SampleAsync();
        (await OpenAsync("night-missed")).ShouldBeEmpty("it was told as a late schedule");
        (await OpenAsync(NoticeStore.Schedule)).ShouldBeEmpty();
    }

    private Task<long> RunAsync(string kind, string key = "key") => pimm.GetRequiredService<JobQueue>().EnqueueAsync(new JobRequest(kind, key, new { }), Cancel);

    /// <summary>One attempt as a worker leaves it.</summary>
    private Task TryAsync(long run, string end, string? error) => ExecuteAsync(
        $"""
        update job_run set state = 'running', attempt = attempt + 1, fence = fence + 1, owner = 'w', started_at = clock_timestamp(), lease_until = clock_timestamp() + interval '1 minute' where id = {run};
        update job_run set state = '{end}', error = {(error is null ? "null" : $"'{error}'")}, owner = null, lease_until = null, finished_at = {(end == "queued" ? "null" : "clock_timestamp()")} where id = {run}
        """);

    private Task SampleAsync() => pimm.GetRequiredService<NoticeSampler>().SampleAsync(Cancel);

    private async Task<IReadOnlyList<Notice>> OpenAsync(string kind) => [.. (await Notices.ListAsync(1, resolved: false, 0, 100, Cancel)).Where(notice => notice.Kind == kind)];

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync(sql);
    }
}
