using Pimm.Core.Statistics;

namespace Pimm.Core.Simulating;

/// <summary>Size and world of a sample.</summary>
public sealed record MarketSampleOptions
{
    public const long FewestRows = 1_000;

    public const long MostRows = 100_000_000;

    /// <summary>Impressions to train on, 1,000 to 100,000,000.</summary>
    public required long Rows { get; init; }

    /// <summary>Impressions of other customers to test on, 0 to 100,000,000; default 0.</summary>
    public long Fresh { get; init; }

    /// <summary>A name of <see cref="MarketWorld.All"/>; default base.</summary>
    public string World { get; init; } = "base";

    /// <summary>Another seed is other customers and other chances in the same market. Default 1.</summary>
    public ulong Seed { get; init; } = 1;

    /// <exception cref="InputException">an unknown world, or too few or too many rows</exception>
    public void Validate()
    {
        _ = MarketWorld.Named(World);
        if (Rows is < FewestRows or > MostRows)
            throw new InputException(FormattableString.Invariant($"{Rows:N0} rows were asked for; choose {FewestRows:N0} to {MostRows:N0}."));
        if (Fresh is < 0 or > MostRows)
            throw new InputException(FormattableString.Invariant($"{Fresh:N0} fresh rows were asked for; choose 0 to {MostRows:N0}."));
    }
}

/// <summary>One impression of a customer who occurs once, what came of it, and its true probabilities. Fresh: to test on.</summary>
public readonly record struct SampledImpression(bool Fresh, MarketCustomer Customer, PotentialOutcomes Outcomes, MarketTruth Truth)
{
    /// <summary>The label of a stage of <see cref="MarketFiles.Funnel"/>.</summary>
    public bool Label(int stage) => stage switch { 0 => Outcomes.Click, 1 => Outcomes.AttributedConversion, _ => Outcomes.AttributedCore };

    /// <summary>The probability that <see cref="Label"/> is true, the hidden interest integrated out.</summary>
    public double TrueProbability(int stage) => stage switch { 0 => Truth.Click, 1 => Truth.Conversion, _ => Truth.Core };
}

/// <summary>
/// Independent impressions of the market as spec/market.md defines it: customers drawn at random, nobody chosen by a model, no
/// drift, no season. The rows to train on of a smaller sample are the first of a larger one's, and the fresh rows do not depend
/// on how many rows there are to train on: so samples of one seed make a learning curve.
/// </summary>
public static class MarketSample
{
    private const int BlockRows = 8192;

    /// <summary>Rows to train on, then fresh ones, in blocks computed on all cores. A block is valid until the next is asked for.</summary>
    /// <exception cref="InputException">options out of their bounds</exception>
    public static IEnumerable<ReadOnlyMemory<SampledImpression>> Draw(MarketSampleOptions options)
    {
        options.Validate();
        return Blocks(options);
    }

    private static IEnumerable<ReadOnlyMemory<SampledImpression>> Blocks(MarketSampleOptions options)
    {
        var buffers = new[] { new SampledImpression[BlockRows], new SampledImpression[BlockRows] };
        Task<ReadOnlyMemory<SampledImpression>>? ready = null;
        int turn = 0;
        foreach ((bool fresh, long first, int count) in Ranges(options))
        {
            SampledImpression[] buffer = buffers[turn++ % 2];
            // The next block is computed while the one before is used.
            Task<ReadOnlyMemory<SampledImpression>> next = Task.Run(() => Fill(buffer, options, fresh, first, count));
            if (ready is not null)
                yield return ready.GetAwaiter().GetResult();
            ready = next;
        }
        yield return ready!.GetAwaiter().GetResult();
    }

    private static IEnumerable<(bool Fresh, long First, int Count)> Ranges(MarketSampleOptions options)
    {
        for (long first = 0; first < options.Rows; first += BlockRows)
            yield return (false, first, (int)Math.Min(BlockRows, options.Rows - first));
        for (long first = 0; first < options.Fresh; first += BlockRows)
            yield return (true, first, (int)Math.Min(BlockRows, options.Fresh - first));
    }

    private static ReadOnlyMemory<SampledImpression> Fill(SampledImpression[] buffer, MarketSampleOptions options, bool fresh, long first, int count)
    {
        MarketParameters parameters = MarketWorld.Named(options.World).Parameters;
        ulong seed = fresh ? RandomStream.Seed(options.Seed, "fresh", 0) : options.Seed;
        ulong chances = RandomStream.Seed(seed, "sample", 0);
        Parallel.For(0, count, i =>
        {
            MarketCustomer customer = MarketCustomer.Draw(seed, first + i);
            buffer[i] = new SampledImpression(fresh, customer,
                MarketOutcomes.Draw(customer, parameters, MarketEffects.Today, chances, first + i), MarketTruth.Of(customer, parameters, MarketEffects.Today));
        });
        return buffer.AsMemory(0, count);
    }
}
