using Pimm.Core.Queueing;
using Pimm.Web.Campaigns;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests;

/// <summary>Which news of runs make a campaign's open pages read again.</summary>
public sealed class CampaignNewsTests
{
    private const long Campaign = 7;
    private const long Shown = 3;

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

    private static JobRun Run(long id, string kind, long? campaign, string state, float? progress) => new(
        id, kind, $"{kind}-{id}", "{}", campaign, null, [], [], [], state, 1, 3, null, 1, null, null, null, DateTimeOffset.UnixEpoch, false,
        progress, null, null, null, DateTimeOffset.UnixEpoch, null, null);
}
