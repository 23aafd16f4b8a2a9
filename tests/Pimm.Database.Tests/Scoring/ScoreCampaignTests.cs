using Dapper;
using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Core.Training;
using Pimm.Database.Tests.KnownLift;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Scoring;

public sealed class ScoreCampaignTests(SmallCampaign world) : IClassFixture<SmallCampaign>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_customer_has_both_models_scores_and_the_versions_are_kept()
    {
        var scoring = (await world.Pimm.Service<ScoringStore>().NewestAsync(world.Campaign.Id, Cancel))!;
        var scores = await world.Pimm.Service<ScoringStore>().ScoresAsync(scoring.Id, Cancel);

        scores.Count.ShouldBe(6_000);
        scoring.Customers.ShouldBe(6_000);
        scores.ShouldAllBe(s => float.IsFinite(s.Control) && float.IsFinite(s.Treatment));
        scores.Select(s => s.Customer).Distinct().Count().ShouldBe(scores.Count);
        scoring.ControlVersionId.ShouldNotBe(scoring.TreatmentVersionId);
        scoring.Exclusions.ShouldContain("\"eligible\"");
    }

    [Fact]
    public async Task A_line_without_a_champion_is_named()
    {
        var models = world.Pimm.Service<ModelStore>();
        var line = await models.CreateLineAsync(world.Audience.Id, "untrained", "pimm", cancellationToken: Cancel);
        var campaign = await world.Pimm.Service<CampaignStore>().CreateAsync(
            world.Campaign with { Name = "untrained", TreatmentLineId = line, Salt = "untrained" }, Cancel);

        var run = await world.Pimm.RunAsync(new JobRequest(ScoreCampaign.JobKind, "untrained", new { }, campaign), Cancel);

        run.Error.ShouldBe("The model line \"untrained\" has no champion yet: train it first.");
    }

    [Fact]
    public async Task Weights_that_were_altered_are_not_used()
    {
        var models = world.Pimm.Service<ModelStore>();
        var line = await models.CreateLineAsync(world.Audience.Id, "altered", "pimm", cancellationToken: Cancel);
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        var version = await models.AddVersionAsync(connection, line, 1, new StoredModel("{}", "{}", [1, 2, 3]), 10, null, null);
        await connection.ExecuteAsync("update model_version set weights = '\\x010204' where id = @version", new { version });

        (await Should.ThrowAsync<Pimm.Core.InputException>(() => models.WeightsAsync(version, Cancel)))
            .Message.ShouldContain("do not have the hash stored with them");
    }
}
