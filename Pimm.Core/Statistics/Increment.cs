namespace Pimm.Core.Statistics;

/// <summary>One wave of one arm: customers exported by the ranking, those it passed and held back, and how many exported impressions were delivered (null without a report).</summary>
/// <param name="HoldBackShare">
/// h, the share drawn to be held back, strictly between 0 and 1. Given, the standard error is campaign.md's, with h in place of the number
/// held back; null, or where that number contradicts h: with the number itself
/// </param>
public sealed record IncrementWave(Proportion Exported, Proportion HeldBack, long? Delivered = null, double? HoldBackShare = null)
{
    private const double MostDeviations = 5;

    /// <summary>The wave's weight among others: what was delivered, or exported where that is not reported.</summary>
    public double Weight => Delivered ?? Exported.N;

    /// <summary>Exported ÷ delivered, 1 without a report of deliveries, null where none was delivered.</summary>
    public double? DeliveryFactor => Delivered is null ? 1 : Delivered > 0 ? (double)Exported.N / Delivered : null;

    /// <summary>hN/(1 − h), how many a walk passes on average until N are exported; null without h.</summary>
    public double? ExpectedHeldBack => HoldBackShare switch
    {
        null => null,
        > 0 and < 1 => HoldBackShare * Exported.N / (1 - HoldBackShare),
        _ => throw new InputException($"A hold-back share of {HoldBackShare} is outside (0, 1); give for example 0.1."),
    };

    /// <summary>The number held back lies more than five deviations √(hN)/(1 − h) of the walk from what h lets expect.</summary>
    public bool ContradictsShare => ExpectedHeldBack is { } expected
        && Math.Abs(HeldBack.N - expected) > MostDeviations * Math.Sqrt(expected / (1 - HoldBackShare!.Value));
}

/// <summary>
/// Core conversions that an arm's impressions brought, per 1,000: exported against held back of the same wave (ghost ads;
/// Johnson, Lewis and Nubbemeyer 2017), 1000·(p₁ − p₀)·exported/delivered.
/// </summary>
public static class Increment
{
    private const string Method = "exported-held";

    /// <summary>
    /// One wave. SE = 1000·√(p₁(1−p₁)/N + p₀(1−p₀)/n₀)·exported/delivered with n₀ the number held back, or hN/(1−h) where
    /// the wave names its h. The interval is Newcombe's on the counts themselves.
    /// </summary>
    public static Estimate OfWave(IncrementWave wave, double confidence = 0.95)
    {
        if (Missing(wave) is { } reason)
            return Estimate.Unavailable(Method, reason);
        Estimate difference = ProportionComparison.Newcombe(wave.HeldBack, wave.Exported, confidence) with { Method = Method };
        if (wave.ContradictsShare)
            difference = difference with { Note = FormattableString.Invariant($"{wave.HeldBack.N} were held back where a share of {wave.HoldBackShare} lets {wave.ExpectedHeldBack:0} expect: the standard error counts those held back.") };
        else if (wave.ExpectedHeldBack is { } expected)
            difference = difference with { StandardError = Error(wave, expected) };
        return difference.Scaled(1000 * wave.DeliveryFactor!.Value);
    }

    private static double Error(IncrementWave wave, double heldBack)
    {
        double e = wave.Exported.Rate!.Value, h = wave.HeldBack.Rate!.Value;
        return Math.Sqrt(e * (1 - e) / wave.Exported.N + h * (1 - h) / heldBack);
    }

    /// <summary>
    /// All waves: δ = Σ D_w·δ_w / Σ D_w over those that have an estimate, D_w the delivered impressions (the exported ones without
    /// a report), SE = √(Σ D_w²·SE_w²) / Σ D_w: conversions brought per 1,000 delivered, whatever share of each wave was. The interval is
    /// Newcombe's on the pooled rates with effective numbers 1/Σ(b_w²/n_w), b_w the waves' weights: with a few held-back
    /// conversions a wave, ± z·SE covers 93 % and misses on one side only. Waves without an estimate are left out and named.
    /// </summary>
    public static Estimate Pooled(IReadOnlyList<IncrementWave> waves, double confidence = 0.95)
    {
        Estimate normal = Pool(waves, waves.Select(wave => OfWave(wave, confidence)).ToArray(), confidence, Method);
        if (normal.Value is not { } value)
            return normal;
        IncrementWave[] usable = waves.Where(wave => Missing(wave) is null).ToArray();
        double scale = usable.Sum(wave => wave.Weight * wave.DeliveryFactor!.Value) / usable.Sum(wave => wave.Weight);
        (double e, double eLow, double eHigh) = Combined(usable, wave => wave.Exported, confidence);
        (double h, double hLow, double hHigh) = Combined(usable, wave => wave.HeldBack, confidence);
        double down = Math.Sqrt((e - eLow) * (e - eLow) + (hHigh - h) * (hHigh - h)), up = Math.Sqrt((eHigh - e) * (eHigh - e) + (h - hLow) * (h - hLow));
        return normal with { Lower = value - 1000 * scale * down, Upper = value + 1000 * scale * up };
    }

    /// <summary>The estimates of waves, each weighted by its delivered impressions, with a normal interval; those that are not available are left out and named.</summary>
    public static Estimate Pool(IReadOnlyList<IncrementWave> waves, IReadOnlyList<Estimate> estimates, double confidence, string method)
    {
        double weights = 0, sum = 0, variance = 0;
        var left = new List<int>();
        for (int w = 0; w < waves.Count; w++)
        {
            if (estimates[w] is not { Value: { } value, StandardError: { } error })
            {
                left.Add(w + 1);
                continue;
            }
            double weight = waves[w].Weight;
            weights += weight;
            sum += weight * value;
            variance += weight * weight * error * error;
        }
        if (weights == 0)
            return Estimate.Unavailable(method, waves.Count == 0 ? "There is no wave yet." : estimates.Select(e => e.Note).FirstOrDefault(n => n is not null) ?? "No wave has an estimate.");
        string? note = left.Count == 0 ? null : $"Left out, having no estimate of their own: wave {string.Join(", ", left)}.";
        return Estimate.Normal(sum / weights, Math.Sqrt(variance) / weights, confidence, method, note);
    }

    private static (double Rate, double Lower, double Upper) Combined(IncrementWave[] waves, Func<IncrementWave, Proportion> of, double confidence)
    {
        double total = waves.Sum(wave => wave.Weight * wave.DeliveryFactor!.Value), rate = 0, inverse = 0;
        foreach (IncrementWave wave in waves)
        {
            double weight = wave.Weight * wave.DeliveryFactor!.Value / total;
            rate += weight * of(wave).Rate!.Value;
            inverse += weight * weight / of(wave).N;
        }
        (double lower, double upper) = Proportion.WilsonBounds(Math.Min(rate, 1), 1 / inverse, Estimate.CriticalValue(confidence));
        return (rate, lower, upper);
    }

    internal static string? Missing(IncrementWave wave) =>
        wave.Exported.N == 0 ? "Nobody was exported."
        : wave.HeldBack.N == 0 ? "Nobody was held back, so there is nothing to compare the exported with."
        : wave.DeliveryFactor is null ? "No impression was delivered." : null;
}
