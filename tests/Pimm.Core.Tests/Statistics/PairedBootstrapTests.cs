using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class PairedBootstrapTests
{
    [Fact]
    public void Its_tails_are_those_of_drawn_replicates()
    {
        (double[] sums, int[] rows) = Skewed(400, 3);
        var bootstrap = new PairedBootstrap(sums, rows);
        double bias = BiasOf(sums, rows, bootstrap.Mean);
        double[] drawn = Draw(sums, rows, 40_000);

        foreach (double limit in (double[])[-2.5, -1, 0.5, 2, 2.8])
        {
            double at = bootstrap.Mean + limit * bootstrap.StandardError;
            // The distribution before BCa's correction, got back from the corrected p.
            double z = -MathNet.Numerics.Distributions.Normal.InvCDF(0, 1, bootstrap.PValueBelow(at)) + bias;
            double below = MathNet.Numerics.Distributions.Normal.CDF(0, 1, z / (1 - bias * z) + bias);
            double share = (double)drawn.Count(mean => mean <= at) / drawn.Length;
            below.ShouldBe(share, 4 * Math.Sqrt(share * (1 - share) / drawn.Length) + 2e-4, $"{limit} standard errors");
        }
    }

    [Fact]
    public void Its_p_finds_a_true_mean_as_often_as_it_says()
    {
        const int repetitions = 4_000;
        int below = 0, above = 0;
        for (int repetition = 0; repetition < repetitions; repetition++)
        {
            (double[] sums, int[] rows) = Skewed(300, (ulong)repetition + 10);
            var bootstrap = new PairedBootstrap(sums, rows);
            below += bootstrap.PValueBelow(0) < 0.05 ? 1 : 0;
            above += bootstrap.PValueAbove(0) < 0.05 ? 1 : 0;
        }

        ((double)below / repetitions).ShouldBeInRange(0.035, 0.065);
        ((double)above / repetitions).ShouldBeInRange(0.035, 0.065);
    }

    [Fact]
    public void A_bound_is_where_p_is_its_tail()
    {
        (double[] sums, int[] rows) = Skewed(500, 4);
        var bootstrap = new PairedBootstrap(sums, rows);

        (double lower, double upper) = bootstrap.Interval(0.001);

        bootstrap.PValueBelow(upper).ShouldBe(0.001, 1e-6);
        bootstrap.PValueAbove(lower).ShouldBe(0.001, 1e-6);
        lower.ShouldBeLessThan(bootstrap.Mean);
    }

    [Fact]
    public void Models_that_never_differ_are_within_any_margin()
    {
        var bootstrap = new PairedBootstrap(new double[50], [.. Enumerable.Repeat(2, 50)]);

        bootstrap.PValueBelow(1e-9).ShouldBe(0);
        bootstrap.PValueBelow(-1e-9).ShouldBe(1);
        bootstrap.Interval(0.01).ShouldBe((0, 0));
    }

    [Fact]
    public void Rows_of_one_customer_are_no_evidence_of_their_own()
    {
        (double[] sums, int[] rows) = Skewed(200, 5);
        var once = new PairedBootstrap(sums, rows);
        var tenfold = new PairedBootstrap([.. sums.Select(sum => 10 * sum)], [.. rows.Select(count => 10 * count)]);

        tenfold.PValueBelow(0.05).ShouldBe(once.PValueBelow(0.05), 1e-9);
    }

    [Fact]
    public void One_customer_cannot_be_resampled() =>
        Should.Throw<InputException>(() => new PairedBootstrap([1], [1])).Message.ShouldContain("at least two customers");

    /// <summary>Mean 0 a row, customers with one to three rows, skewness about 2 a value.</summary>
    private static (double[] Sums, int[] Rows) Skewed(int customers, ulong seed)
    {
        var stream = new RandomStream(seed);
        int[] rows = [.. Enumerable.Range(0, customers).Select(_ => 1 + stream.NextInt(3))];
        return ([.. rows.Select(count => Enumerable.Range(0, count).Sum(_ => stream.NextExponential() - 1))], rows);
    }

    private static double[] Draw(double[] sums, int[] rows, int replicates)
    {
        var stream = new RandomStream(99);
        return [.. Enumerable.Range(0, replicates).Select(_ =>
        {
            double sum = 0, count = 0;
            for (int i = 0; i < sums.Length; i++)
            {
                int drawn = stream.NextInt(sums.Length);
                (sum, count) = (sum + sums[drawn], count + rows[drawn]);
            }
            return sum / count;
        })];
    }

    private static double BiasOf(double[] sums, int[] rows, double mean)
    {
        double[] values = [.. sums.Zip(rows, (sum, count) => sum - mean * count)];
        return values.Sum(v => v * v * v) / (6 * Math.Pow(values.Sum(v => v * v), 1.5));
    }
}
