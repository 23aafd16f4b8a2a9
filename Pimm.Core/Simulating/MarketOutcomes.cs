using Pimm.Core.Statistics;

namespace Pimm.Core.Simulating;

/// <summary>
/// Everything that would happen to one customer, with and without an impression, drawn once: which of the four events occur,
/// the delays in days from impression to click, click to conversion and conversion to core, when in the window an organic
/// core conversion falls (share of it), and the amount in CNY. No policy changes any of it.
/// </summary>
public readonly record struct PotentialOutcomes(
    bool Click, bool Organic, bool Persuaded, bool Core, double ClickDelay, double ConversionDelay, double CoreDelay, double OrganicTime, double Amount)
{
    /// <summary>Y(0): a core conversion without an impression.</summary>
    public bool WithoutImpression => Organic && Core;

    /// <summary>Y(1): a core conversion with one.</summary>
    public bool WithImpression => (Organic || (Click && Persuaded)) && Core;

    /// <summary>The second funnel label of an impression: a conversion attributed to its click, whatever its cause.</summary>
    public bool AttributedConversion => Click && (Organic || Persuaded);

    /// <summary>The third: the attributed conversion became a core conversion.</summary>
    public bool AttributedCore => AttributedConversion && Core;

    /// <summary>
    /// First core conversion by any route, null without one. Organic ones fall evenly in [campaign start, + window), so every
    /// wave's own window holds those still to come; persuaded ones follow the impression within its window.
    /// </summary>
    public DateTimeOffset? ConvertedAt(DateTimeOffset campaignStart, TimeSpan window, DateTimeOffset? impression)
    {
        DateTimeOffset? organic = WithoutImpression ? campaignStart + OrganicTime * window : null;
        DateTimeOffset? persuaded = impression is { } shown && Click && Persuaded && Core ? shown.AddDays(ClickDelay + ConversionDelay + CoreDelay) : null;
        return organic < persuaded || persuaded is null ? organic : persuaded;
    }
}

/// <summary>Draws outcomes on common random numbers: a function of (seed, customer index), the market and nothing else.</summary>
public static class MarketOutcomes
{
    /// <summary>Medians of the delays in days: two hours, a day, five days; log-normal with σ = 1.</summary>
    public static readonly IReadOnlyList<double> MedianDelays = [2.0 / 24, 1, 5];

    /// <summary>The index names the customer in the campaign or the impression in history.</summary>
    public static PotentialOutcomes Draw(
        in MarketCustomer customer, MarketParameters parameters, MarketEffects effects, ulong seed, long index, double windowDays = 30)
    {
        var stream = new RandomStream(RandomStream.Seed(seed, "outcome", index));
        MarketLogits logits = MarketLogits.Of(customer, effects);
        bool click = stream.NextDouble() < logits.ClickGiven(customer.Hidden, parameters);
        bool organic = stream.NextDouble() < logits.OrganicGiven(customer.Hidden, parameters);
        bool persuaded = stream.NextDouble() < logits.Persuaded(parameters);
        bool core = stream.NextDouble() < logits.CoreProbability(parameters);
        double organicTime = stream.NextDouble(), balance = (customer.LogBalance - 8.5) / 1.44;
        double amount = 1000 * Math.Exp(Math.Abs(0.4 + 0.5 * balance + 0.8 * stream.NextNormal()));
        (double first, double second, double third) = Delays(stream, windowDays);
        return new PotentialOutcomes(click, organic, persuaded, core, first, second, third, organicTime, amount);
    }

    /// <summary>
    /// The three delays given that they end within the window, by redrawing: the probabilities of the market are those of
    /// events within it.
    /// </summary>
    private static (double Click, double Conversion, double Core) Delays(RandomStream stream, double windowDays)
    {
        double click = 0, conversion = 0, core = 0;
        for (int attempt = 0; attempt < 100; attempt++)
        {
            click = MedianDelays[0] * Math.Exp(stream.NextNormal());
            conversion = MedianDelays[1] * Math.Exp(stream.NextNormal());
            core = MedianDelays[2] * Math.Exp(stream.NextNormal());
            if (click + conversion + core < windowDays)
                return (click, conversion, core);
        }
        // A window far shorter than the delays: squeeze the last draw into it.
        double factor = windowDays / (click + conversion + core) * (1 - 1e-9);
        return (click * factor, conversion * factor, core * factor);
    }
}
