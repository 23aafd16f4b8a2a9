using Pimm.Core.Importing;
using Pimm.Core.Statistics;

namespace Pimm.Core.Simulating;

/// <summary>Writes the impressions of the twelve months before a campaign, to customers of their own.</summary>
internal static class MarketHistoryFile
{
    private const int Months = 12;
    private const int DaysOfMonth = 30;

    public static void Write(SimulatedMarket market, int rows, string path)
    {
        using var file = new DelimitedWriter(path);
        foreach (var name in (IEnumerable<string>)["customer", "impression_at", "targeted", .. MarketFiles.Funnel, "amount", .. MarketFiles.Columns.Select(c => c.Name)])
        {
            file.Write(name.AsSpan());
        }
        file.EndRow();
        for (var ago = Months; ago >= 1; ago--)
        {
            WriteMonth(file, market, ago, (int)((long)rows * (Months - ago + 1) / Months) - (int)((long)rows * (Months - ago) / Months));
        }
        file.Complete();
    }

    private static void WriteMonth(DelimitedWriter file, SimulatedMarket market, int ago, int rows)
    {
        var seed = RandomStream.Seed(unchecked((ulong)market.Seed), "history", ago);
        var effects = MarketEffects.MonthsAgo(ago, unchecked((ulong)market.Seed));
        var parameters = market.Parameters with { Season = 0.03 * Math.Sin(2 * Math.PI * -ago / Months) };
        var population = MarketCustomer.DrawMany(seed, 0, rows);
        var outcomes = new PotentialOutcomes[rows];
        Parallel.For(0, rows, i => outcomes[i] = MarketOutcomes.Draw(population[i], parameters, effects, seed, i));
        var start = market.StartsAt.AddDays(-ago * DaysOfMonth);
        for (var i = 0; i < rows; i++)
        {
            file.Write(FormattableString.Invariant($"past-{ago}-{i}").AsSpan());
            file.Write(MarketFiles.Instant(start.AddSeconds((long)i * DaysOfMonth * 86_400 / rows)).AsSpan());
            file.Write("0"u8);
            file.Write(outcomes[i].Click ? "1"u8 : "0"u8);
            file.Write(outcomes[i].AttributedConversion ? "1"u8 : "0"u8);
            file.Write(outcomes[i].AttributedCore ? "1"u8 : "0"u8);
            file.Write((outcomes[i].AttributedCore ? outcomes[i].Amount.ToString("0.00", System.Globalization.CultureInfo.InvariantCulture) : "").AsSpan());
            MarketFiles.WriteAttributes(file, population[i]);
            file.EndRow();
        }
    }
}
