namespace Pimm.Core.Simulating;

/// <summary>
/// A customer's observable scores (spec/market.md): click s₁, conversion s₂, core s₃, and persuasion, which is high where organic intent is low.
/// </summary>
public readonly record struct MarketLogits(double Click, double Conversion, double Core, double Persuasion)
{
    public static MarketLogits Of(in MarketCustomer customer, MarketEffects effects)
    {
        double a = (customer.Age - 38) / 11, v = (Math.Log(1 + customer.Views) - 1) / 0.9, b = (customer.LogBalance - 8.5) / 1.44;
        double i = (customer.IncomeLevel - 2.5) / 1.3, rc = (60 - customer.Recency) / 60, t = (Math.Log(1 + customer.Tenure) - 3) / 0.9;
        double k = (customer.Risk - 2) / 1.15;
        double[] fund = effects.Fund[customer.Fund], occupation = effects.Occupation[customer.Occupation];
        double[] channel = effects.Channel[customer.Channel], city = effects.City[customer.CityTier];
        double g1 = 0.55 * v + 0.3 * rc - 0.175 * a * a + 0.45 * fund[0] + 0.6 * channel[0] + 0.5 * occupation[0]
            + (customer.Device == 0 ? 0.2 * v : 0) + 0.2 * Math.Sin(1.5 * a);
        double g2 = 0.45 * rc + 0.3 * t + 0.35 * fund[1] + 0.6 * occupation[1] + 0.25 * v * i;
        double g3 = 0.7 * b + 0.35 * k + 0.3 * i + 0.4 * city[2] - 0.075 * b * b;
        double s2 = 0.55 * g1 + 0.7 * g2;
        double persuasion = -1.3 * s2 + 0.5 * g1 + 0.6 * channel[3] + (customer.Device == 1 ? 0.5 : 0) - 0.3 * t + 0.35 * fund[2];
        return new MarketLogits(g1, s2, 0.175 * g1 + 0.3 * g2 + 0.9 * g3, persuasion);
    }

    internal static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    internal double ClickGiven(double hidden, MarketParameters p) => Sigmoid(p.Click + p.Season + Click + p.HiddenInClick * hidden);

    internal double OrganicGiven(double hidden, MarketParameters p) => Sigmoid(p.Organic + p.Season + Conversion + p.HiddenInOrganic * hidden);

    internal double CoreProbability(MarketParameters p) => Sigmoid(p.Core + p.Season + Core);

    internal double Persuaded(MarketParameters p) => Math.Min(1, p.Persuasion * Sigmoid(p.Persuaded + Persuasion));
}
