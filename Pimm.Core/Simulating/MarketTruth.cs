namespace Pimm.Core.Simulating;

/// <summary>
/// A customer's true probabilities over the hidden interest, by 15-node Gauss–Hermite quadrature. Click, Conversion and Core
/// are the funnel labels of an impression; Organic is q = P(Y(0)), Effect is τ = P(Y(1)) − P(Y(0)) of the core conversion by any
/// route; AttributedOrganic is the part of Core that would have happened without the impression.
/// </summary>
public readonly record struct MarketTruth(double Click, double Conversion, double Core, double Organic, double Effect, double AttributedOrganic)
{
    // Nodes and weights of the probabilists' Hermite polynomial of degree 15, for x ≥ 0; the rest by symmetry.
    private static readonly double[] Nodes =
        [0, 0.799129068324548, 1.6067100690287297, 2.432436827009758, 3.2890824243987664, 4.1962077112690155, 5.190093591304781, 6.363947888829839];
    private static readonly double[] Weights =
        [0.31825951825951826, 0.23246229360973222, 0.0894177953998444, 0.017365774492137605, 0.0015673574035499562, 5.642146405189017e-05, 5.975419597920605e-07, 8.58964989963327e-10];

    public static MarketTruth Of(in MarketCustomer customer, MarketParameters parameters, MarketEffects effects)
    {
        MarketLogits logits = MarketLogits.Of(customer, effects);
        double persuaded = logits.Persuaded(parameters), core = logits.CoreProbability(parameters);
        double click = 0, organic = 0, both = 0;
        for (int n = -Nodes.Length + 1; n < Nodes.Length; n++)
        {
            double node = n < 0 ? -Nodes[-n] : Nodes[n], weight = Weights[Math.Abs(n)];
            double c = logits.ClickGiven(node, parameters), o = logits.OrganicGiven(node, parameters);
            click += weight * c;
            organic += weight * o;
            both += weight * c * o;
        }
        double conversion = both + persuaded * (click - both);
        return new MarketTruth(click, conversion, conversion * core, organic * core, persuaded * (click - both) * core, both * core);
    }

    public static MarketTruth[] OfMany(IReadOnlyList<MarketCustomer> customers, MarketParameters parameters, MarketEffects effects)
    {
        var truths = new MarketTruth[customers.Count];
        Parallel.For(0, customers.Count, i => truths[i] = Of(customers[i], parameters, effects));
        return truths;
    }
}
