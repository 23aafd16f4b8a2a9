using Pimm.Core.FeatureEncoding;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.FeatureEncoding;

public sealed class QuantileBinsTests
{
    [Fact]
    public void Even_values_are_cut_into_bins_of_equal_counts()
    {
        var values = Enumerable.Range(0, 100).Select(value => (double)value).ToArray();

        QuantileBins.Cut(values, Ones(100), bins: 4, minimumCount: 1).ShouldBe([24.5, 49.5, 74.5]);
    }

    [Fact]
    public void Few_values_get_a_bin_each()
    {
        QuantileBins.Cut([0, 1, 5], [1000, 20, 10], bins: 32, minimumCount: 5).ShouldBe([0.5, 3]);
    }

    [Fact]
    public void A_frequent_value_gets_a_bin_of_its_own_and_leaves_the_rest_to_the_others()
    {
        double[] values = [0, .. Enumerable.Range(1, 100).Select(value => (double)value)];
        long[] counts = [10_000, .. Ones(100)];

        var edges = QuantileBins.Cut(values, counts, bins: 5, minimumCount: 1);

        edges.ShouldBe([0.5, 25.5, 50.5, 75.5]);
    }

    [Fact]
    public void A_bin_of_too_few_rows_joins_its_neighbour()
    {
        QuantileBins.Cut([0, 1, 2, 3], [100, 2, 2, 100], bins: 32, minimumCount: 5).ShouldBe([0.5]);
        QuantileBins.Cut([0, 1, 2], [100, 100, 4], bins: 32, minimumCount: 5).ShouldBe([0.5]);
        QuantileBins.Cut([7], [100], bins: 32, minimumCount: 5).ShouldBeEmpty();
        QuantileBins.Cut([], [], bins: 32, minimumCount: 5).ShouldBeEmpty();
    }

    [Fact]
    public void Edges_part_neighbouring_doubles_and_the_largest_ones()
    {
        var (low, high) = (1.0, Math.BitIncrement(1.0));

        QuantileBins.Cut([low, high], [10, 10], bins: 2, minimumCount: 1).ShouldBe([high]);
        QuantileBins.Cut([-double.MaxValue, double.MaxValue], [10, 10], bins: 2, minimumCount: 1).ShouldBe([0]);
    }

    [Fact]
    public void There_are_never_more_bins_than_asked_for_and_all_have_the_minimum_count()
    {
        var random = new Pimm.Core.Statistics.RandomStream(3);
        for (var trial = 0; trial < 500; trial++)
        {
            var values = Enumerable.Range(0, 1 + random.NextInt(200)).Select(value => (double)value).ToArray();
            var counts = values.Select(_ => (long)Math.Exp(random.NextDouble() * 8)).ToArray();
            var (bins, minimum) = (2 + random.NextInt(40), 1 + random.NextInt(30));

            var edges = QuantileBins.Cut(values, counts, bins, minimum);

            edges.Length.ShouldBeLessThan(bins);
            var sizes = new long[edges.Length + 1];
            for (var place = 0; place < values.Length; place++)
            {
                sizes[edges.Count(edge => edge <= values[place])] += counts[place];
            }

            sizes.Min().ShouldBeGreaterThanOrEqualTo(Math.Min(minimum, counts.Sum()));
        }
    }

    private static long[] Ones(int count) => [.. Enumerable.Repeat(1L, count)];
}
