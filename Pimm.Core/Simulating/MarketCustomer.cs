using Pimm.Core.Statistics;

namespace Pimm.Core.Simulating;

/// <summary>
/// A simulated customer: twelve attributes, and a hidden interest that no model sees. Ages in years, tenure in months,
/// recency in days, LogBalance the natural logarithm of a balance in CNY; the rest are codes from 0.
/// </summary>
public readonly record struct MarketCustomer(
    double Age, double Tenure, double LogBalance, int Views, double Recency, int IncomeLevel,
    int Fund, int Occupation, int Channel, int CityTier, int Device, int Risk, double Hidden)
{
    private static readonly double[] IncomeCuts = [-1.2, -0.4, 0.4, 1, 1.6];
    private static readonly double[] FundShares = Cumulated(Enumerable.Range(1, MarketEffects.Funds).Select(k => Math.Pow(k, -1.1)));
    private static readonly double[] ChannelShares = Cumulated([0.3, 0.2, 0.15, 0.1, 0.1, 0.07, 0.05, 0.03]);
    private static readonly double[] CityShares = Cumulated([0.15, 0.2, 0.25, 0.25, 0.15]);
    private static readonly double[] DeviceShares = Cumulated([0.55, 0.4, 0.05]);

    /// <summary>The customer with this index in the population of a seed: the same whoever else is drawn.</summary>
    public static MarketCustomer Draw(ulong seed, long index)
    {
        var stream = new RandomStream(RandomStream.Seed(seed, "customer", index));
        double wealth = stream.NextNormal(), income = 0.7 * wealth + 0.71 * stream.NextNormal();
        return new MarketCustomer(
            Age: Math.Clamp(38 + 11 * stream.NextNormal(), 18, 80),
            Tenure: 20 * stream.NextGamma(1.5),
            LogBalance: 8.5 + 1.2 * wealth + 0.8 * stream.NextNormal(),
            Views: stream.NextPoisson(5 * stream.NextGamma(0.6)),
            Recency: Math.Min(60 * stream.NextExponential(), 365),
            IncomeLevel: IncomeCuts.Count(cut => income >= cut),
            Fund: Pick(FundShares, stream),
            Occupation: stream.NextInt(12),
            Channel: Pick(ChannelShares, stream),
            CityTier: Pick(CityShares, stream),
            Device: Pick(DeviceShares, stream),
            Risk: (int)Math.Clamp(Math.Round(2 + 0.6 * wealth + stream.NextNormal()), 0, 4),
            Hidden: stream.NextNormal());
    }

    /// <summary>Customers first … first + count − 1 of a population, drawn in parallel.</summary>
    public static MarketCustomer[] DrawMany(ulong seed, long first, int count)
    {
        var customers = new MarketCustomer[count];
        Parallel.For(0, count, i => customers[i] = Draw(seed, first + i));
        return customers;
    }

    private static int Pick(double[] cumulated, RandomStream stream)
    {
        int index = Array.BinarySearch(cumulated, stream.NextDouble());
        return Math.Min(index < 0 ? ~index : index + 1, cumulated.Length - 1);
    }

    private static double[] Cumulated(IEnumerable<double> weights)
    {
        double[] shares = weights.ToArray();
        double total = shares.Sum(), sum = 0;
        return shares.Select(share => sum += share / total).ToArray();
    }
}
