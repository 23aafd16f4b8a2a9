using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Training;
using Pimm.Database.Tests.Promoting;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Training;

/// <summary>A line that was trained 90 days ago; its audience's rows since then are changed on purpose before it is trained again.</summary>
public sealed class TrainingChecksTests(TrainingChecksTests.Line line) : IClassFixture<TrainingChecksTests.Line>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_column_that_was_emptied_stops_the_training()
    {
        var run = await line.TrainChangedAsync("""update {0} set fund = null where impression_at >= {1}""");

        run.State.ShouldBe(JobStates.Failed);
        run.Error.ShouldBe("The line \"checked\" was not trained, its champion stays. The attribute 'fund' has no value in 100 % of the impressions since version 1 and in 0 % before: mend the import and train again. If it is meant to stay, accept it: `pimm train --campaign N --accept-change`.");
    }

    [Fact]
    public async Task Half_the_labels_missing_stops_the_training()
    {
        var run = await line.TrainChangedAsync("""update {0} set stage = 0 where impression_at >= {1} and hashtext(customer::text || impression_at::text) % 2 = 0""");

        run.State.ShouldBe(JobStates.Failed);
        run.Error!.ShouldStartWith("The line \"checked\" was not trained, its champion stays. The rate of click of ");
        run.Error.ShouldEndWith("by more than a factor of 1.5, chance left out: look whether outcomes are missing, then train again. If it is meant to stay, accept it: `pimm train --campaign N --accept-change`.");
    }

    [Fact]
    public async Task A_change_that_a_person_accepts_is_trained_on_and_recorded_and_the_next_night_is_compared_with_it()
    {
        JobRun accepted = null!, next = null!;
        await line.ChangedAsync("""update {0} set stage = 0 where impression_at >= {1} and hashtext(customer::text || impression_at::text) % 2 = 0""", async () =>
        {
            accepted = await line.TrainAsync(30, acceptChange: true);
            next = await line.TrainAsync(0);
        });

        accepted.State.ShouldBe(JobStates.Succeeded, accepted.Error);
        next.State.ShouldBe(JobStates.Succeeded, next.Error);
        await using var owner = await line.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        var recorded = (await owner.QueryAsync<string[]>("select accepted from training_check order by model_version_id")).ToList();
        recorded.Select(changes => changes.Length > 0).ShouldBe([false, true, false]);
        recorded[1].ShouldContain(change => change.StartsWith("The rate of click of ", StringComparison.Ordinal));
        accepted.Result!.ShouldContain("The rate of click of ");
        await owner.ExecuteAsync("delete from training_check where model_version_id in (select id from model_version where version > 1); delete from model_version where version > 1");
    }

    [Fact]
    public async Task Whoever_takes_long_over_its_rows_reads_on_past_the_time_out_of_statements()
    {
        var hasty = new NpgsqlConnectionStringBuilder(line.Pimm.Database.ConnectionString) { Options = "-c statement_timeout=200" };
        await using var database = NpgsqlDataSource.Create(hasty.ConnectionString);
        var audience = await line.Pimm.Service<AudienceStore>().GetAsync((await line.Models.GetLineAsync(line.Id, Cancel)).AudienceId, Cancel);
        var rows = 0;

        await foreach (var batch in new AudienceReader(database).TrainingHistoryAsync(audience, new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero), Cancel))
        {
            await Task.Delay(rows == 0 ? 600 : 0, Cancel);
            rows += batch.Count;
        }

        rows.ShouldBe(80_000);
    }

    [Fact]
    public async Task An_import_that_did_not_come_stops_the_training()
    {
        var run = await line.TrainChangedAsync("""delete from {0} where impression_at >= {1}""");

        run.State.ShouldBe(JobStates.Failed);
        run.Error!.ShouldStartWith("The line \"checked\" was not trained, its champion stays. The newest usable impression is of 20");
        run.Error.ShouldContain("(45 are the bound): import what has come since.");
    }

    [Fact]
    public async Task The_same_rows_again_are_not_trained_on()
    {
        var run = await line.TrainAsync(Line.Ago);

        run.State.ShouldBe(JobStates.Failed);
        run.Error.ShouldBe("The line \"checked\" was not trained, its champion stays. There is no new impression since version 1, and training again would give the same model: import history or outcomes first, or give another seed.");
    }

    [Fact]
    public async Task Categories_that_nobody_has_seen_are_said_and_rows_that_are_as_before_are_trained_on()
    {
        var before = (await line.Models.VersionsAsync(line.Id, Cancel)).Count;
        var run = await line.TrainChangedAsync("""update {0} set occupation = 'new' where impression_at >= {1} and hashtext(customer::text) % 5 = 0""", seed: 2);

        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        run.Result!.ShouldContain("The attribute 'occupation' has a value that version 1 does not know in ");
        var versions = await line.Models.VersionsAsync(line.Id, Cancel);
        versions.Count.ShouldBe(before + 1);
        var figures = (await line.Pimm.Service<TrainingChecks>().FiguresAsync(versions[0].Id, Cancel))!;
        figures.Labels.Sum(labels => labels.Rows).ShouldBe(figures.Rows);
        figures.Attributes.Select(attribute => attribute.Name).ShouldContain("occupation");
        // The others go on comparing with version 1.
        await using var owner = await line.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        await owner.ExecuteAsync("delete from training_check where model_version_id = @id; delete from model_version where id = @id", new { id = versions[0].Id });
    }

    public sealed class Line : IAsyncLifetime
    {
        public const int Ago = 90;

        private TrainedMarket _market = null!;
        private string _history = "";
        private int _asked;

        public PimmInstance Pimm { get; private set; } = null!;

        public long Id { get; private set; }

        public ModelStore Models => Pimm.Service<ModelStore>();

        public async ValueTask InitializeAsync()
        {
            Pimm = await PimmInstance.StartAsync();
            _market = await TrainedMarket.ImportAsync(Pimm, historyRows: 80_000, Cancel);
            _history = (await Pimm.Service<AudienceStore>().GetAsync(_market.AudienceId, Cancel)).HistoryTable;
            Pimm.Service<IOptions<TrainingCheckOptions>>().Value.RecentDays = 90;
            Id = await Models.CreateLineAsync(_market.AudienceId, "checked", "shared-bottom", """{"epochs":"1"}""", Cancel);
            var run = await TrainAsync(Ago);
            run.State.ShouldBe(JobStates.Succeeded, run.Error);
        }

        public Task<JobRun> TrainAsync(int ago, long seed = 1, bool acceptChange = false) => Pimm.RunAsync(new JobRequest(
            TrainModelLine.JobKind, $"checked/{Interlocked.Increment(ref _asked)}", new TrainLineRequest(Id, seed, _market.Ends.AddDays(30 - ago), 30, acceptChange)), Cancel);

        public async Task<JobRun> TrainChangedAsync(string change, long seed = 1)
        {
            JobRun run = null!;
            await ChangedAsync(change, async () => run = await TrainAsync(0, seed));
            return run;
        }

        /// <param name="change">{0}: the table, {1}: the instant up to which version 1 was trained</param>
        public async Task ChangedAsync(string change, Func<Task> meanwhile)
        {
            await using var owner = await Pimm.Database.Owner.OpenConnectionAsync(Cancel);
            var since = $"'{_market.Ends.AddDays(-Ago).UtcDateTime:yyyy-MM-dd}'::timestamptz";
            await owner.ExecuteAsync($"set timezone = 'UTC'; drop table if exists kept; create temporary table kept as select * from {_history}");
            await owner.ExecuteAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, change, _history, since));
            try
            {
                await meanwhile();
            }
            finally
            {
                await owner.ExecuteAsync($"truncate {_history}; insert into {_history} select * from kept");
            }
        }

        public ValueTask DisposeAsync() => Pimm.DisposeAsync();
    }
}
