using System.Text.Json;
using Pimm.Core.Statistics;

namespace Pimm.Core.Simulating;

/// <summary>
/// The market's effects of funds (2,000 × 3), occupations (12 × 4), channels (8 × 4) and cities (5 × 4), drawn once and
/// kept in market_effects.json: another draw has other means.
/// </summary>
public sealed class MarketEffects
{
    public const int Funds = 2000;

    /// <summary>Share of the funds whose first effect is drawn anew each month.</summary>
    public const double MonthlyDrift = 0.02;

    private MarketEffects(double[][] fund, double[][] occ, double[][] chan, double[][] city) =>
        (Fund, Occupation, Channel, City) = (fund, occ, chan, city);

    public double[][] Fund { get; }

    public double[][] Occupation { get; }

    public double[][] Channel { get; }

    public double[][] City { get; }

    /// <summary>The effects of the campaign's own month: the file's.</summary>
    public static MarketEffects Today { get; } = Load();

    /// <summary>
    /// The effects as they were months ago: going back, each month 2 % of the funds had another first effect. The drift
    /// runs towards the file's effects, so that the campaign's own month is the documented market.
    /// </summary>
    public static MarketEffects MonthsAgo(int months, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(months);
        double[][] fund = Today.Fund.Select(row => row.ToArray()).ToArray();
        for (int month = 1; month <= months; month++)
        {
            var stream = new RandomStream(RandomStream.Seed(seed, "drift", month));
            for (int f = 0; f < Funds; f++)
                if (stream.NextDouble() < MonthlyDrift)
                    fund[f][0] = stream.NextNormal();
        }
        return new MarketEffects(fund, Today.Occupation, Today.Channel, Today.City);
    }

    private static MarketEffects Load()
    {
        const string name = "Pimm.Core.Simulating.market_effects.json";
        using Stream stream = typeof(MarketEffects).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The resource {name} is missing from the assembly; build Pimm.Core again.");
        Dictionary<string, double[][]> tables = JsonSerializer.Deserialize<Dictionary<string, double[][]>>(stream)!;
        return new MarketEffects(tables["fund"], tables["occ"], tables["chan"], tables["city"]);
    }
}
