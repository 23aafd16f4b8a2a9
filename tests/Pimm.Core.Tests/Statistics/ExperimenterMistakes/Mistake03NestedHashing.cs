using Pimm.Core.Campaigns;
using Pimm.Core.Scoring;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>Mistake 3: one hash decides who enters and then again which arm, so that those who enter are nearly all in one.</summary>
public sealed class Mistake03NestedHashing
{
    private static readonly string[] Purposes = ["traffic", "split", "hold-back", "exploration", "tie", "layer"];

    private static readonly Campaign Spring = new(
        1, "Spring", 1, 1, 2, "Asia/Shanghai", new DateOnly(2026, 3, 2), 5, 30, 100, 0.1, 0.05, "best-of", 100, "spring", "me", DateTimeOffset.UnixEpoch,
        TrafficShare: 0.3, Layer: "cards", LayerFrom: 0, LayerTo: 4_000);

    private static readonly Guid[] Customers = Enumerable.Range(0, 200_000).Select(i => CustomerHash.Of($"customer-{i}")).ToArray();

    public static TheoryData<string, string> Pairs => [.. Purposes.SelectMany((a, i) => Purposes.Skip(i + 1).Select(b => (a, b)))];

    [Theory]
    [MemberData(nameof(Pairs))]
    public void A_salt_of_its_own_makes_each_use_of_the_hash_independent_of_every_other(string first, string second)
    {
        var (a, b) = (SaltKey.From(SaltOf(first)), SaltKey.From(SaltOf(second)));
        var table = new long[10 * 10];
        foreach (Guid customer in Customers)
            table[(10 * Tenth(customer, a)) + Tenth(customer, b)]++;
        // χ² of independence with 9 × 9 degrees of freedom: its upper tail of 1 in 10,000 begins at 135.
        ChiSquare(table).ShouldBeLessThan(135);
    }

    [Fact]
    public void Among_those_who_entered_through_traffic_and_layer_half_are_in_the_treatment()
    {
        var funnel = new EligibilityFunnel(EligibilityFunnel.StepsOf(Spring, new Dictionary<Guid, string>()));
        SaltKey split = SaltKey.From(Spring.SaltFor("split")), traffic = SaltKey.From(Spring.SaltFor("traffic"));
        Guid[] eligible = Customers.Where(funnel.Admits).ToArray();
        eligible.Length.ShouldBeInRange(23_400, 24_600);
        SampleRatio.Of([eligible.Count(c => Tenth(c, split) < 5), eligible.Count(c => Tenth(c, split) >= 5)], [1, 1]).PValue.ShouldBeGreaterThan(0.001);
        // The mistake itself: the traffic's salt used again puts everybody into the control.
        eligible.ShouldAllBe(c => Tenth(c, traffic) < 5);
    }

    private static string SaltOf(string purpose) => purpose == "layer" ? Spring.LayerSalt : Spring.SaltFor(purpose);

    private static int Tenth(Guid customer, SaltKey salt) => (int)(10 * CustomerHash.Share(CustomerHash.Salted(customer, salt)));

    private static double ChiSquare(long[] table)
    {
        double sum = 0, all = table.Sum();
        for (int r = 0; r < 10; r++)
            for (int c = 0; c < 10; c++)
            {
                double expected = Enumerable.Range(0, 10).Sum(i => table[(10 * r) + i]) * (double)Enumerable.Range(0, 10).Sum(i => table[(10 * i) + c]) / all;
                sum += (table[(10 * r) + c] - expected) * (table[(10 * r) + c] - expected) / expected;
            }
        return sum;
    }
}
