using Pimm.Core.Simulating;
using Pimm.Core.Statistics;

namespace Pimm.Core.Tests.Promoting;

/// <summary>Customers of the simulated market with their true probabilities, and models that know them up to noise.</summary>
internal sealed class NoisyTruth
{
    public const int Stages = 3;

    /// <param name="customers">how many are drawn; rows are drawn from them with replacement</param>
    public NoisyTruth(int customers, ulong seed)
    {
        MarketTruth[] truths = MarketTruth.OfMany(MarketCustomer.DrawMany(seed, 0, customers), MarketWorld.Base.Parameters, MarketEffects.Today);
        Probabilities = [.. truths.SelectMany(truth => (double[])[truth.Click, truth.Conversion, truth.Core])];
        Logits = [.. Probabilities.Select(p => Math.Log(p / (1 - p)))];
        Customers = customers;
    }

    public int Customers { get; }

    /// <summary>[customers · 3]</summary>
    public double[] Probabilities { get; }

    /// <summary>[customers · 3]</summary>
    public double[] Logits { get; }

    /// <summary>Of one stage, 0 to 2.</summary>
    public double Rate(int stage) => Enumerable.Range(0, Customers).Average(c => Probabilities[(c * Stages) + stage]);

    /// <summary>A calibrated model whose logits carry normal noise of this deviation: another draw of the noise is another model as good.</summary>
    public NoisyModel Model(double noise) => new(this, noise);

    /// <summary>The noise with which the expected joint log loss is this many times that of another noise.</summary>
    public double NoiseOfLoss(double noise, double times)
    {
        double wanted = times * Model(noise).ExpectedLoss, low = noise, high = 8 * noise;
        for (int step = 0; step < 30; step++)
        {
            double middle = (low + high) / 2;
            (low, high) = Model(middle).ExpectedLoss < wanted ? (middle, high) : (low, middle);
        }
        return (low + high) / 2;
    }
}

/// <summary>σ(intercept + slope·(true logit + noise·ε)) a stage, slope and intercept fitted so that it is calibrated; one ε a row.</summary>
internal sealed class NoisyModel
{
    private const ulong FittedOn = 17;

    private readonly double _noise;
    private readonly (double Intercept, double Slope)[] _stages;

    public NoisyModel(NoisyTruth truth, double noise)
    {
        _noise = noise;
        var stream = new RandomStream(FittedOn, "noise of the fit");
        double[] draws = [.. Enumerable.Range(0, truth.Customers).Select(_ => stream.NextNormal())];
        _stages = [.. Enumerable.Range(0, NoisyTruth.Stages).Select(stage => Fit(truth, stage, noise, draws))];
        for (int customer = 0; customer < truth.Customers; customer++)
            for (int stage = 0; stage < NoisyTruth.Stages; stage++)
            {
                int at = customer * NoisyTruth.Stages + stage;
                double p = truth.Probabilities[at], q = Predict(stage, truth.Logits[at], draws[customer]);
                ExpectedLoss -= (p * Math.Log(q) + (1 - p) * Math.Log(1 - q)) / truth.Customers;
            }
    }

    /// <summary>Joint log loss a row, over the customers of the fit.</summary>
    public double ExpectedLoss { get; }

    public float Predict(int stage, double logit, double draw) =>
        (float)(1 / (1 + Math.Exp(-_stages[stage].Intercept - _stages[stage].Slope * Score(logit, draw))));

    /// <summary>What it ranks by.</summary>
    public double Score(double logit, double draw) => logit + _noise * draw;

    /// <summary>Newton's method on the expected log loss.</summary>
    private static (double, double) Fit(NoisyTruth truth, int stage, double noise, double[] draws)
    {
        double intercept = 0, slope = 1;
        for (int step = 0; step < 12; step++)
        {
            double g0 = 0, g1 = 0, h00 = 0, h01 = 0, h11 = 0;
            for (int customer = 0; customer < draws.Length; customer++)
            {
                int at = customer * NoisyTruth.Stages + stage;
                double x = truth.Logits[at] + noise * draws[customer], q = 1 / (1 + Math.Exp(-intercept - slope * x));
                double miss = q - truth.Probabilities[at], weight = q * (1 - q);
                (g0, g1) = (g0 + miss, g1 + miss * x);
                (h00, h01, h11) = (h00 + weight, h01 + weight * x, h11 + weight * x * x);
            }
            double determinant = h00 * h11 - h01 * h01;
            intercept -= (h11 * g0 - h01 * g1) / determinant;
            slope -= (h00 * g1 - h01 * g0) / determinant;
        }
        return (intercept, slope);
    }
}
