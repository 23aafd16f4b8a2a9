using System.Globalization;
using Pimm.Core.Allocating;
using Pimm.Core.Importing;
using Pimm.Core.Lift;

namespace Pimm.Core.Simulating;

/// <summary>
/// Writes a simulated market's files as other departments and ad channels would send them: customers, history, and what came
/// back of a campaign. The product takes them in through its ordinary doors.
/// </summary>
public static class MarketFiles
{
    public static readonly string[] Funnel = ["click", "conversion", "core_conversion"];

    public static readonly AudienceColumn[] Columns =
    [
        new("age", "number"), new("tenure_months", "number"), new("log_balance", "number"), new("views", "number"),
        new("recency_days", "number"), new("income_level", "number"), new("fund", "text"), new("occupation", "text"),
        new("channel", "text"), new("city_tier", "number"), new("device", "text"), new("risk", "number"),
    ];

    public static void WriteCustomers(SimulatedMarket market, string path)
    {
        using var file = new DelimitedWriter(path);
        WriteHeader(file, ["customer", .. Columns.Select(c => c.Name)]);
        var population = market.Population();
        for (var index = 0; index < population.Length; index++)
        {
            file.Write(SimulatedMarket.KeyOf(index));
            WriteAttributes(file, population[index]);
            file.EndRow();
        }
        file.Complete();
    }

    /// <summary>The impressions of the twelve months before, with the customers' attributes as they were.</summary>
    public static void WriteHistory(SimulatedMarket market, int rows, string path)
    {
        var options = new MarketHistoryOptions { Impressions = rows, Population = checked((int)market.Customers) };
        using var file = new DelimitedWriter(path);
        WriteHeader(file, ["customer", "impression_at", "targeted", .. Funnel, "amount", .. Columns.Select(c => c.Name)]);
        foreach (var impression in MarketHistory.Generate(market.Parameters, unchecked((ulong)market.Seed), market.StartsAt, options))
        {
            file.Write(SimulatedMarket.KeyOf(impression.CustomerIndex));
            file.Write(Instant(impression.Time));
            file.Write(!impression.ChosenAtRandom);
            file.Write(impression.Clicked);
            file.Write(impression.Converted);
            file.Write(impression.CoreConverted);
            file.Write(impression.Amount?.ToString("0.00", CultureInfo.InvariantCulture));
            WriteAttributes(file, impression.Customer);
            file.EndRow();
        }
        file.Complete();
    }

    /// <summary>What the channel and the books report of a campaign: deliveries, funnel labels, and core conversions by any route.</summary>
    /// <param name="campaign">with every customer's actual plan</param>
    public static void WriteOutcomes(SimulatedMarket market, MeasuredCampaign campaign, DateTimeOffset? until, string path)
    {
        var (population, indices, seed) = (market.Population(), market.Indices(), market.CampaignSeed(campaign.Campaign.Id));
        using var file = new DelimitedWriter(path);
        WriteHeader(file, ["event_id", "kind", "customer", "campaign", "wave", "stage", "occurred_at", "amount"]);
        foreach (var customer in campaign.Customers)
        {
            var index = indices[customer.Customer];
            // Delays end a day early, so that an impression late on its wave's day still ends within the wave's window.
            var outcomes = MarketOutcomes.Draw(
                population[index], market.Parameters, MarketEffects.Today, seed, index, Math.Max(1, campaign.Campaign.WindowDays - 1));
            WriteOutcomes(new OutcomeWriter(file, campaign, until ?? DateTimeOffset.MaxValue, index), customer, outcomes);
        }
        file.Complete();
    }

    private static void WriteOutcomes(OutcomeWriter writer, CampaignCustomer customer, PotentialOutcomes outcomes)
    {
        DateTimeOffset? impression = null;
        if (customer.Measured.Actual.Action is WaveAction.Exported or WaveAction.Explored)
        {
            impression = writer.Impression(customer.Measured.Actual.Wave);
            writer.Delivered(customer.Measured.Actual.Wave, outcomes);
        }
        writer.Converted(outcomes, impression);
    }

    /// <summary>200 customers, every fifth with a word where its age should be.</summary>
    public static void WriteBrokenCustomers(string path)
    {
        using var file = new DelimitedWriter(path);
        WriteHeader(file, ["customer", .. Columns.Select(c => c.Name)]);
        var customers = MarketCustomer.DrawMany(0, 0, 200);
        for (var i = 0; i < customers.Length; i++)
        {
            file.Write(SimulatedMarket.KeyOf(i));
            WriteAttributes(file, customers[i], i % 5 == 0 ? "unknown" : null);
            file.EndRow();
        }
        file.Complete();
    }

    internal static void WriteHeader(DelimitedWriter file, IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            file.Write(name);
        }
        file.EndRow();
    }

    internal static void WriteAttributes(DelimitedWriter file, in MarketCustomer customer, string? age = null)
    {
        if (age is null)
        {
            file.Write(customer.Age);
        }
        else
        {
            file.Write(age);
        }
        file.Write(customer.Tenure);
        file.Write(customer.LogBalance);
        file.Write(customer.Views);
        file.Write(customer.Recency);
        file.Write(customer.IncomeLevel);
        WriteCode(file, 'f', customer.Fund);
        WriteCode(file, 'o', customer.Occupation);
        WriteCode(file, 'c', customer.Channel);
        file.Write(customer.CityTier);
        WriteCode(file, 'd', customer.Device);
        file.Write(customer.Risk);
    }

    private static void WriteCode(DelimitedWriter file, char letter, int code) =>
        file.Write(string.Create(CultureInfo.InvariantCulture, $"{letter}{code}"));

    private static string Instant(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>The events of one customer.</summary>
    private sealed class OutcomeWriter(DelimitedWriter file, MeasuredCampaign measured, DateTimeOffset until, int index)
    {
        private readonly string _customer = SimulatedMarket.KeyOf(index);

        /// <summary>Between eight in the morning and eight in the evening of the wave's day.</summary>
        public DateTimeOffset Impression(int wave) => measured.Waves[wave].ImpressionsAt.AddMinutes(480 + (index * 7919L % 720));

        public void Delivered(int wave, PotentialOutcomes outcomes)
        {
            var (date, shown) = (measured.Waves[wave].WaveDate, Impression(wave));
            Write("d", "delivered", date, "", shown, null);
            var clicked = shown.AddDays(outcomes.ClickDelay);
            if (outcomes.Click)
            {
                Write("f1", "funnel", date, Funnel[0], clicked, null);
            }
            if (outcomes.AttributedConversion)
            {
                Write("f2", "funnel", date, Funnel[1], clicked.AddDays(outcomes.ConversionDelay), null);
            }
            if (outcomes.AttributedCore)
            {
                Write("f3", "funnel", date, Funnel[2], clicked.AddDays(outcomes.ConversionDelay + outcomes.CoreDelay), outcomes.Amount);
            }
        }

        public void Converted(PotentialOutcomes outcomes, DateTimeOffset? impression)
        {
            var at = outcomes.ConvertedAt(measured.Campaign.StartsAt, TimeSpan.FromDays(measured.Campaign.WindowDays), impression);
            if (at is { } converted)
            {
                Write("y", "outcome", null, "", converted, outcomes.Amount);
            }
        }

        private void Write(string kind, string name, DateOnly? wave, string stage, DateTimeOffset at, double? amount)
        {
            if (at > until)
            {
                return;
            }
            file.Write(string.Create(CultureInfo.InvariantCulture, $"{measured.Campaign.Id}-{index}-{kind}"));
            file.Write(name);
            file.Write(_customer);
            file.Write((wave is null ? "" : measured.Campaign.Id.ToString(CultureInfo.InvariantCulture)));
            file.Write((wave?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? ""));
            file.Write(stage);
            file.Write(Instant(at));
            file.Write((amount?.ToString("0.00", CultureInfo.InvariantCulture) ?? ""));
            file.EndRow();
        }
    }
}
