namespace Pimm.Core.Simulating;

/// <summary>
/// A logistic model with one weight a value of each attribute and nothing else: what a marketer of the past ranked by. Fitted
/// by cyclic Newton steps with a ridge of <see cref="Ridge"/> on every weight.
/// </summary>
public sealed class AdditiveModel
{
    public const double Ridge = 4;
    private const int Passes = 12, Bins = 8, OwnFunds = 60;
    private const int FundField = 6, Fields = 12;
    private readonly double[][] _edges;
    private readonly double[][] _weights;
    private readonly double _intercept;

    private AdditiveModel(double[][] edges, double[][] weights, double intercept) => (_edges, _weights, _intercept) = (edges, weights, intercept);

    /// <summary>One label a customer; at least one of each class, else the model ranks nobody above anybody.</summary>
    public static AdditiveModel Fit(IReadOnlyList<MarketCustomer> customers, IReadOnlyList<bool> labels)
    {
        double[][] edges = Enumerable.Range(0, Fields).Select(field => IsNumeric(field) ? Quantiles(customers, field) : []).ToArray();
        int[][] codes = Enumerable.Range(0, Fields).Select(field => customers.Select(c => Code(c, field, edges[field])).ToArray()).ToArray();
        double[][] weights = Enumerable.Range(0, Fields).Select(field => new double[codes[field].DefaultIfEmpty(0).Max() + 2]).ToArray();
        int positives = labels.Count(label => label);
        if (positives == 0 || positives == labels.Count)
            return new AdditiveModel(edges, weights, 0);
        double intercept = Math.Log((double)positives / (labels.Count - positives));
        double[] logits = Enumerable.Repeat(intercept, labels.Count).ToArray();
        for (int pass = 0; pass < Passes; pass++)
        {
            for (int field = 0; field < Fields; field++)
                Step(codes[field], weights[field], logits, labels, Ridge);
            double[] shift = [0];
            Step(new int[labels.Count], shift, logits, labels, 0);
            intercept += shift[0];
        }
        return new AdditiveModel(edges, weights, intercept);
    }

    /// <summary>The logit of the label.</summary>
    public double Score(in MarketCustomer customer)
    {
        double logit = _intercept;
        for (int field = 0; field < Fields; field++)
        {
            int code = Code(customer, field, _edges[field]);
            logit += code < _weights[field].Length ? _weights[field][code] : 0;
        }
        return logit;
    }

    /// <summary>One Newton step for all values of one attribute: they touch different rows, so none waits for another.</summary>
    private static void Step(int[] codes, double[] weights, double[] logits, IReadOnlyList<bool> labels, double ridge)
    {
        double[] gradient = new double[weights.Length], curvature = new double[weights.Length];
        for (int i = 0; i < codes.Length; i++)
        {
            double p = MarketLogits.Sigmoid(logits[i]);
            gradient[codes[i]] += (labels[i] ? 1 : 0) - p;
            curvature[codes[i]] += p * (1 - p);
        }
        var change = new double[weights.Length];
        for (int w = 0; w < weights.Length; w++)
            if (curvature[w] > 0)
                change[w] = Math.Clamp((gradient[w] - ridge * weights[w]) / (curvature[w] + ridge), -1, 1);
        for (int w = 0; w < weights.Length; w++)
            weights[w] += change[w];
        for (int i = 0; i < codes.Length; i++)
            logits[i] += change[codes[i]];
    }

    private static bool IsNumeric(int field) => field < 5;

    private static double[] Quantiles(IReadOnlyList<MarketCustomer> customers, int field)
    {
        double[] values = customers.Select(c => Value(c, field)).Order().ToArray();
        return values.Length == 0 ? [] : Enumerable.Range(1, Bins - 1).Select(b => values[(int)((long)values.Length * b / Bins)]).Distinct().ToArray();
    }

    private static int Code(in MarketCustomer customer, int field, double[] edges)
    {
        double value = Value(customer, field);
        if (!IsNumeric(field))
            return field == FundField ? Math.Min((int)value, OwnFunds) : (int)value;
        int bin = 0;
        while (bin < edges.Length && value >= edges[bin])
            bin++;
        return bin;
    }

    private static double Value(in MarketCustomer c, int field) => field switch
    {
        0 => c.Age, 1 => c.Tenure, 2 => c.LogBalance, 3 => c.Views, 4 => c.Recency, 5 => c.IncomeLevel,
        FundField => c.Fund, 7 => c.Occupation, 8 => c.Channel, 9 => c.CityTier, 10 => c.Device, _ => c.Risk,
    };
}
