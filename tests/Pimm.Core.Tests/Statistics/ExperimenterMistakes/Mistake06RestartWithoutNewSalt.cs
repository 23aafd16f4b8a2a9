using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Scoring;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>Mistake 6: a campaign started again with the same groups, which carry over what they saw the first time.</summary>
public sealed class Mistake06RestartWithoutNewSalt
{
    private static readonly Campaign First = new(
        7, "Spring", 1, 1, 2, "Asia/Shanghai", new DateOnly(2026, 3, 2), 5, 30, 100, 0.1, 0.05, "best-of", 100, "spring", "me", DateTimeOffset.UnixEpoch);

    private static readonly List<CustomerScore> Scores = Enumerable.Range(0, 40_000).Select(i => CustomerHash.Of($"customer-{i}")).Order()
        .Select(c => new CustomerScore(c, (float)CustomerHash.Share(CustomerHash.Salted(c, new SaltKey(1, 2))), 0)).ToList();

    [Theory]
    [InlineData("best-of")]
    [InlineData("blocks")]
    [InlineData("plain")]
    public void A_copys_arms_and_flags_are_independent_of_the_originals(string method)
    {
        Campaign original = First with { SplitMethod = method };
        Campaign copy = original.Copy("Spring again", original.StartsOn.AddDays(60), "spring 2", "me", DateTimeOffset.UnixEpoch);
        var (before, after) = (CampaignSplit.Draw(original, 1, Scores).Assignments, CampaignSplit.Draw(copy, 2, Scores).Assignments);

        copy.CopyOf.ShouldBe(7);
        SampleRatio.Of([.. Counts(before, after, a => a.Arm)], [1, 1, 1, 1]).PValue.ShouldBeGreaterThan(0.001);
        // Flags are independent at 10 % by 10 %.
        SampleRatio.Of([.. Counts(before, after, a => a.Flagged ? 1 : 0)], [0.81, 0.09, 0.09, 0.01]).PValue.ShouldBeGreaterThan(0.001);
        // The mistake itself: under the old salt everybody is where he was.
        CampaignSplit.Draw(copy with { Salt = original.Salt }, 2, Scores).Assignments.ShouldBe(before);
    }

    [Fact]
    public void The_same_salt_is_refused() =>
        Should.Throw<InputException>(() => First.Copy("Spring again", First.StartsOn.AddDays(60), First.Salt, "me", DateTimeOffset.UnixEpoch))
            .Message.ShouldBe("The salt \"spring\" is that of campaign \"Spring\": a restart needs one of its own, or the arms carry over what they saw before.");

    private static long[] Counts(IReadOnlyList<Assignment> before, IReadOnlyList<Assignment> after, Func<Assignment, int> of)
    {
        var counts = new long[4];
        for (int i = 0; i < before.Count; i++)
            counts[(2 * of(before[i])) + of(after[i])]++;
        return counts;
    }
}
