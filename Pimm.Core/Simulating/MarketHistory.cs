using Pimm.Core.Statistics;

namespace Pimm.Core.Simulating;

/// <summary>Size and shape of a simulated history.</summary>
public sealed record MarketHistoryOptions
{
    /// <summary>Impressions over all months; default 120,000.</summary>
    public int Impressions { get; init; } = 120_000;

    /// <summary>Months before the campaign; default 12.</summary>
    public int Months { get; init; } = 12;

    /// <summary>Customers in the population the impressions go to, the first of the seed's; default 200,000, at least twice a month's impressions.</summary>
    public int Population { get; init; } = 200_000;

    /// <summary>Share of impressions that go to customers drawn at random, 0 to 1; default ½. The rest goes to the highest scores of last month's model.</summary>
    public double RandomShare { get; init; } = 0.5;

    /// <summary>Labels count within this many days; default 30.</summary>
    public int WindowDays { get; init; } = 30;
}

/// <summary>
/// One impression of the past: the customer as it was, the three labels (each possible only after the one before), when they
/// happened (null: never) and the amount of a core conversion in CNY. ChosenAtRandom: by chance, not by a model.
/// </summary>
public readonly record struct HistoryImpression(
    long Index, long CustomerIndex, MarketCustomer Customer, int Month, DateTimeOffset Time, bool ChosenAtRandom,
    DateTimeOffset? ClickedAt, DateTimeOffset? ConvertedAt, DateTimeOffset? CoreConvertedAt, double? Amount)
{
    public bool Clicked => ClickedAt is not null;

    public bool Converted => ConvertedAt is not null;

    public bool CoreConverted => CoreConvertedAt is not null;
}

/// <summary>
/// Months of impressions before a campaign (spec/market.md): half of them random, half chosen by the additive model of last
/// month's core conversions (the first month: all random); funds drift month by month towards the campaign's effects,
/// and the intercepts follow .03·sin over the year.
/// </summary>
public static class MarketHistory
{
    /// <summary>Ordered by time; the last month ends at <paramref name="end"/>. The same seed gives the same history.</summary>
    public static IReadOnlyList<HistoryImpression> Generate(MarketParameters parameters, ulong seed, DateTimeOffset end, MarketHistoryOptions? options = null)
    {
        options ??= new MarketHistoryOptions();
        Check(options);
        MarketCustomer[] population = MarketCustomer.DrawMany(seed, 0, options.Population);
        var history = new List<HistoryImpression>(options.Impressions);
        AdditiveModel? model = null;
        for (int month = 0; month < options.Months; month++)
        {
            int count = (int)((long)options.Impressions * (month + 1) / options.Months - (long)options.Impressions * month / options.Months);
            HistoryImpression[] rows = Month(parameters, seed, end, options, population, model, month, history.Count, count);
            history.AddRange(rows);
            model = AdditiveModel.Fit(rows.Select(row => row.Customer).ToArray(), rows.Select(row => row.CoreConverted).ToArray());
        }
        return history;
    }

    private static HistoryImpression[] Month(MarketParameters parameters, ulong seed, DateTimeOffset end, MarketHistoryOptions options,
        MarketCustomer[] population, AdditiveModel? model, int month, int before, int count)
    {
        int ago = options.Months - month;
        MarketEffects effects = MarketEffects.MonthsAgo(ago, seed);
        MarketParameters season = parameters with { Season = parameters.Season + 0.03 * Math.Sin(2 * Math.PI * -ago / 12) };
        var stream = new RandomStream(RandomStream.Seed(seed, "history month", month));
        int[] reached = Choose(population, model, stream, count, model is null ? count : (int)Math.Round(count * options.RandomShare), out int random);
        DateTimeOffset start = end.AddDays(-30.0 * ago);
        DateTimeOffset[] times = reached.Select(_ => start.AddDays(30 * stream.NextDouble())).ToArray();
        int[] order = Enumerable.Range(0, count).OrderBy(i => times[i]).ThenBy(i => i).ToArray();
        var rows = new HistoryImpression[count];
        Parallel.For(0, count, position =>
        {
            int i = order[position];
            long index = before + position;
            // The hidden interest of a moment belongs to the impression, not to the customer for a year.
            MarketCustomer customer = population[reached[i]] with { Hidden = new RandomStream(RandomStream.Seed(seed, "history interest", index)).NextNormal() };
            PotentialOutcomes outcomes = MarketOutcomes.Draw(customer, season, effects, RandomStream.Seed(seed, "history", 0), index, options.WindowDays);
            rows[position] = Impression(index, reached[i], customer, month, times[i], i < random, outcomes);
        });
        return rows;
    }

    private static HistoryImpression Impression(
        long index, long customerIndex, in MarketCustomer customer, int month, DateTimeOffset time, bool random, in PotentialOutcomes outcomes) =>
        new(index, customerIndex, customer, month, time, random,
            outcomes.Click ? time.AddDays(outcomes.ClickDelay) : null,
            outcomes.AttributedConversion ? time.AddDays(outcomes.ClickDelay + outcomes.ConversionDelay) : null,
            outcomes.AttributedCore ? time.AddDays(outcomes.ClickDelay + outcomes.ConversionDelay + outcomes.CoreDelay) : null,
            outcomes.AttributedCore ? outcomes.Amount : null);

    /// <summary>Random customers first, then the model's highest scores among the rest; nobody twice in a month.</summary>
    private static int[] Choose(MarketCustomer[] population, AdditiveModel? model, RandomStream stream, int count, int wantedRandom, out int random)
    {
        int[] order = Enumerable.Range(0, population.Length).ToArray();
        stream.Shuffle<int>(order);
        random = wantedRandom;
        if (model is null)
            return order[..count];
        int[] rest = order[random..];
        double[] scores = rest.Select(i => -model.Score(population[i])).ToArray();
        Array.Sort(scores, rest);
        return [.. order[..random], .. rest[..(count - random)]];
    }

    private static void Check(MarketHistoryOptions options)
    {
        if (options.Months < 1 || options.Impressions < options.Months)
            throw new InputException($"{options.Impressions} impressions over {options.Months} months are not possible; give at least one month and one impression a month.");
        if (options.Population < 2L * options.Impressions / options.Months)
            throw new InputException($"A population of {options.Population} is too small for {options.Impressions / options.Months} impressions a month; give at least twice as many customers.");
        if (!(options.RandomShare >= 0 && options.RandomShare <= 1))
            throw new InputException($"A random share of {options.RandomShare} is outside 0 to 1; ½ is the usual choice.");
        if (options.WindowDays < 1)
            throw new InputException($"A window of {options.WindowDays} days is not possible; give at least 1.");
    }
}
