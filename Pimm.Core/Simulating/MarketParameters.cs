namespace Pimm.Core.Simulating;

/// <summary>
/// The market's intercepts (logits) and knobs. Persuasion is e: 0 the null world, in which an impression changes nothing, 1 the base world.
/// </summary>
public sealed record MarketParameters
{
    public double Click { get; init; } = -3.25;

    public double Organic { get; init; } = -4.60;

    public double Core { get; init; } = -0.50;

    public double Persuaded { get; init; } = -2.50;

    /// <summary>Factor on the chance of a persuaded conversion, at least 0; the product is capped at 1.</summary>
    public double Persuasion { get; init; } = 1;

    /// <summary>Weight of the hidden interest in the click.</summary>
    public double HiddenInClick { get; init; } = 0.7;

    /// <summary>Weight of the hidden interest in the organic conversion.</summary>
    public double HiddenInOrganic { get; init; } = 1.0;

    /// <summary>Added to the three funnel intercepts: the season, .03·sin over the year in history, 0 in the campaign's month.</summary>
    public double Season { get; init; }
}

/// <summary>What a demo world ranks customers by when the truth itself may be used.</summary>
public enum OracleRanking
{
    /// <summary>A hash: no model at all.</summary>
    Random,

    /// <summary>The true P(core conversion | impression), with noise on its logit.</summary>
    CoreProbability,

    /// <summary>The true effect of an impression.</summary>
    Effect,
}

/// <summary>An oracle policy; Noise: deviation of the normal noise on the truth's logit, 0 for the pure truth.</summary>
public sealed record OraclePolicy(OracleRanking Ranking, double Noise = 0);

/// <summary>A simulated world: its market and the two policies that show what it is for.</summary>
public sealed record MarketWorld(string Name, MarketParameters Parameters, OraclePolicy Control, OraclePolicy Treatment)
{
    /// <summary>A weak model's noise: in the base world, N = 10,000 of 100,000 with 10 % held back, its increment is 5.3 per 1,000.</summary>
    public const double WeakModelNoise = 0.81;

    /// <summary>A good model's noise: 6.2 per 1,000.</summary>
    public const double GoodModelNoise = 0.35;

    private static readonly OraclePolicy Weak = new(OracleRanking.CoreProbability, WeakModelNoise);
    private static readonly OraclePolicy Good = new(OracleRanking.CoreProbability, GoodModelNoise);

    /// <summary>The ad does nothing: every difference of delivered customers is selection.</summary>
    public static MarketWorld Null { get; } = new("null", new MarketParameters { Persuasion = 0 }, Weak, Good);

    /// <summary>A weak against a good model of P(core conversion).</summary>
    public static MarketWorld Base { get; } = new("base", new MarketParameters(), Weak, Good);

    /// <summary>A model of P(core conversion) against a ranking by the effect: the delivered lift has the wrong sign.</summary>
    public static MarketWorld Harvest { get; } = new("harvest", new MarketParameters(), Weak, new OraclePolicy(OracleRanking.Effect));

    /// <summary>A random control against a good model under an ad that persuades many: large enough to be found by one campaign.</summary>
    public static MarketWorld KnownLift { get; } = new("knownLift", new MarketParameters { Persuaded = -0.5 }, new OraclePolicy(OracleRanking.Random), Good);

    public static IReadOnlyList<MarketWorld> All { get; } = [Null, Base, Harvest, KnownLift];

    /// <summary>Throws <see cref="InputException"/> for an unknown name.</summary>
    public static MarketWorld Named(string name) => All.FirstOrDefault(world => world.Name == name)
        ?? throw new InputException($"There is no world \"{name}\"; choose {string.Join(", ", All.Select(world => world.Name))}.");
}
