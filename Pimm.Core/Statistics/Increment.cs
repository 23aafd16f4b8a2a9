namespace Pimm.Core.Statistics;

/// <summary>One wave of one arm: customers exported by the ranking, those it passed and held back, and how many exported impressions were delivered (null without a report).</summary>
public sealed record IncrementWave(Proportion Exported, Proportion HeldBack, long? Delivered = null)
{
    /// <summary>Exported ÷ delivered, 1 without a report of deliveries, null where none was delivered.</summary>
    public double? DeliveryFactor => Delivered is null ? 1 : Delivered > 0 ? (double)Exported.N / Delivered : null;
}

/// <summary>
/// Core conversions that an arm's impressions brought, per 1,000: exported against held back of the same wave (ghost ads;
/// Johnson, Lewis and Nubbemeyer 2017), 1000·(p₁ − p₀)·exported/delivered.
/// </summary>
public static class Increment
{
    private const string Method = "exported-held";

    /// <summary>One wave. SE = 1000·√(p₁(1−p₁)/n₁ + p₀(1−p₀)/n₀)·exported/delivered; with n₀ = hN/(1−h) it is campaign.md's.</summary>
    public static Estimate OfWave(IncrementWave wave, double confidence = 0.95)
    {
        if (Missing(wave) is { } reason)
            return Estimate.Unavailable(Method, reason);
        return ProportionComparison.Newcombe(wave.HeldBack, wave.Exported, confidence).Scaled(1000 * wave.DeliveryFactor!.Value) with { Method = Method };
    }

    /// <summary>All waves, each weighted by its exported impressions; waves without an estimate are left out and named.</summary>
    public static Estimate Pooled(IReadOnlyList<IncrementWave> waves, double confidence = 0.95) =>
        Pool(waves, waves.Select(wave => OfWave(wave, confidence)).ToArray(), confidence, Method);

    /// <summary>Σ N_w·δ_w / Σ N_w over the waves that have an estimate, with √(Σ N_w²·SE_w²) / Σ N_w.</summary>
    public static Estimate Pool(IReadOnlyList<IncrementWave> waves, IReadOnlyList<Estimate> estimates, double confidence, string method)
    {
        double weights = 0, sum = 0, variance = 0;
        var left = new List<int>();
        for (int w = 0; w < waves.Count; w++)
        {
            if (estimates[w].Value is not { } value || estimates[w].StandardError is not { } error)
            {
                left.Add(w + 1);
                continue;
            }
            double weight = waves[w].Exported.N;
            weights += weight;
            sum += weight * value;
            variance += weight * weight * error * error;
        }
        if (weights == 0)
            return Estimate.Unavailable(method, waves.Count == 0 ? "There is no wave yet." : estimates.Select(e => e.Note).FirstOrDefault(n => n is not null) ?? "No wave has an estimate.");
        string? note = left.Count == 0 ? null : $"Left out, having no estimate of their own: wave {string.Join(", ", left)}.";
        return Estimate.Normal(sum / weights, Math.Sqrt(variance) / weights, confidence, method, note);
    }

    internal static string? Missing(IncrementWave wave) =>
        wave.Exported.N == 0 ? "Nobody was exported."
        : wave.HeldBack.N == 0 ? "Nobody was held back, so there is nothing to compare the exported with."
        : wave.DeliveryFactor is null ? "No impression was delivered." : null;
}
