using System.Globalization;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Pimm.Core.Promoting;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Pimm.Web.Campaigns;
using Pimm.Web.Models;
using Pimm.Web.Shared;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests;

/// <summary>Which news of runs make open pages read again.</summary>
public sealed class RunNewsTests
{
    private const long Campaign = 7;
    private const long Shown = 3;

    private static readonly LineView Chosen = new(
        new LineSummary(1, "pimm", "pimm", 1, "bank", false, [], 30, 0, null, null, null, null, null, false, null, null, null, null, []), [], [], [], null, null);

    [Theory]
    [InlineData("train", null, JobStates.Queued, null, true)]
    [InlineData("train", null, JobStates.Running, 0.5f, false)]
    [InlineData("train", null, JobStates.Succeeded, 1f, true)]
    [InlineData("import", null, JobStates.Running, 0.5f, false)]
    [InlineData("lift", null, JobStates.Succeeded, 1f, false)]
    [InlineData("score", Campaign, JobStates.Running, 0.5f, true)]
    [InlineData("score", Campaign + 1, JobStates.Running, 0.5f, false)]
    public void The_beginning_and_the_end_of_a_training_concern_every_campaign_and_its_progress_none_that_does_not_show_it(
        string kind, long? campaign, string state, float? progress, bool concerns) =>
        CampaignRoom.Concerns(Campaign, [new(Run(Shown, "score", Campaign, JobStates.Succeeded, 1), [])], Run(4, kind, campaign, state, progress)).ShouldBe(concerns);

    [Fact]
    public void The_progress_of_a_training_that_a_stage_shows_concerns_it()
    {
        var run = Run(Shown, "train", null, JobStates.Running, 0.5f);

        CampaignRoom.Concerns(Campaign, [new(run, [])], run with { Progress = 0.6f }).ShouldBeTrue();
    }

    [Theory]
    [InlineData("train", "{\"modelLineId\": 1}", JobStates.Running, 0.5f, true)] // the chosen line's
    [InlineData("train", "{\"modelLineId\": 2}", JobStates.Queued, null, true)]
    [InlineData("train", "{\"modelLineId\": 2}", JobStates.Running, 0.5f, false)]
    [InlineData("train", "{\"modelLineId\": 2}", JobStates.Succeeded, 1f, true)]
    [InlineData("score", "{\"modelLineId\": 1}", JobStates.Succeeded, 1f, false)]
    public void The_progress_of_another_lines_training_is_not_read_by_the_page_of_models(string kind, string arguments, string state, float? progress, bool concerns) =>
        ModelRoom.Concerns(Chosen, Run(4, kind, null, state, progress) with { Arguments = arguments }).ShouldBe(concerns);

    [Fact]
    public async Task The_progress_of_the_chosen_lines_training_changes_its_run_and_nothing_else_is_read()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var room = new ModelRoom(null!, null!, null!, new JobQueue(database.DataSource));
        var run = Run(4, "train", null, JobStates.Running, 0.5f);
        var view = new ModelsView([Chosen.Line], 1, Chosen with { Training = new StageRun(run, []) });

        var later = await room.ProgressAsync(view, run with { Progress = 0.6f });

        later!.Chosen!.Training!.Run.Progress.ShouldBe(0.6f);
        later.Lines.ShouldBeSameAs(view.Lines);
        (await room.ProgressAsync(view, run with { State = JobStates.Succeeded })).ShouldBeNull();
        (await room.ProgressAsync(view, run with { Id = 5 })).ShouldBeNull();
    }

    [Fact]
    public async Task Who_hears_news_hears_them_in_the_language_of_the_page()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var queue = new JobQueue(database.DataSource);
        using var watcher = new JobWatcher(database.DataSource, queue, NullLogger<JobWatcher>.Instance);
        await watcher.StartAsync(TestContext.Current.CancellationToken);
        var (ofRuns, ofTopics) = (new TaskCompletionSource<string>(), new TaskCompletionSource<string>());
        await Task.Run(() =>
        {
            CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo("zh-CN");
            watcher.Watch(_ => ofRuns.TrySetResult(CultureInfo.CurrentUICulture.Name));
            watcher.Watch("models", () => ofTopics.TrySetResult(CultureInfo.CurrentUICulture.Name));
        });

        // Whoever began to listen too late is told that something may have been missed.
        await queue.EnqueueAsync(new JobRequest("lift", "language", new { }), TestContext.Current.CancellationToken);
        await using var connection = await database.DataSource.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await connection.ExecuteAsync("select pg_notify('pimm_news', 'models')");

        (await ofRuns.Task.WaitAsync(TimeSpan.FromSeconds(20))).ShouldBe("zh-CN");
        (await ofTopics.Task.WaitAsync(TimeSpan.FromSeconds(20))).ShouldBe("zh-CN");
        CultureInfo.CurrentUICulture.Name.ShouldNotBe("zh-CN");
        await watcher.StopAsync(TestContext.Current.CancellationToken);
    }

    private static JobRun Run(long id, string kind, long? campaign, string state, float? progress) => new(
        id, kind, $"{kind}-{id}", "{}", campaign, null, [], [], [], state, 1, 3, null, 1, null, null, null, DateTimeOffset.UnixEpoch, false,
        progress, null, null, null, DateTimeOffset.UnixEpoch, null, null);
}
