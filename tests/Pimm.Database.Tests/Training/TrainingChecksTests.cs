using Dapper;
using Microsoft.Extensions.Options;
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
        run.Error.ShouldBe("The line \"checked\" was not trained, its champion stays. The attribute 'fund' has no value in 100 % of the impressions since version 1 and in 0 % before: mend the import and train again.");
    }

    [Fact]
    public async Task Half_the_labels_missing_stops_the_training()
    {
        var run = await line.TrainChangedAsync("""update {0} set stage = 0 where impression_at >= {1} and hashtext(customer::text || impression_at::text) % 2 = 0""");

        run.State.ShouldBe(JobStates.Failed);
        run.Error!.ShouldStartWith("The line \"checked\" was not trained, its champion stays. The rate of click of ");
        run.Error.ShouldEndWith("by more than a factor of 1.5, chance left out: look whether outcomes are missing, then train again.");
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

        public Task<JobRun> TrainAsync(int ago, long seed = 1) => Pimm.RunAsync(new JobRequest(
            TrainModelLine.JobKind, $"checked/{Interlocked.Increment(ref _asked)}", new TrainLineRequest(Id, seed, _market.Ends.AddDays(30 - ago), 30)), Cancel);

        /// <param name="change">{0}: the table, {1}: the instant up to which version 1 was trained</param>
        public async Task<JobRun> TrainChangedAsync(string change, long seed = 1)
        {
            await using var owner = await Pimm.Database.Owner.OpenConnectionAsync(Cancel);
            var since = $"'{_market.Ends.AddDays(-Ago).UtcDateTime:yyyy-MM-dd}'::timestamptz";
            await owner.ExecuteAsync($"set timezone = 'UTC'; drop table if exists kept; create temporary table kept as select * from {_history}");
            await owner.ExecuteAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, change, _history, since));
            try
            {
                return await TrainAsync(0, seed);
            }
            finally
            {
                await owner.ExecuteAsync($"truncate {_history}; insert into {_history} select * from kept");
            }
        }

        public ValueTask DisposeAsync() => Pimm.DisposeAsync();
    }
}
