using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Networks;

/// <summary>
/// HTLNet's gradient adjustment (RecSys'24, algorithm 1): how the gradients of the tasks for the parameters they share become one,
/// anchored on the core task's G_T.
/// <code>
/// direction (16):  if ⟨G_t, G_T⟩ &lt; 0:  G_t ← G_t − a · ⟨G_t, G_T⟩ / ‖G_T‖² · G_T
/// magnitude (17):  w = clip(‖G_T‖ / ‖G_t‖, 1/C, C);  G_t ← γ w G_t + (1 − γ) G_t
/// merged:          G_T + Σ_t G_t
/// </code>
/// </summary>
/// <param name="Projection">a, 0 to 1; 1 takes the whole conflicting part away.</param>
/// <param name="Clip">C, at least 1.</param>
/// <param name="Relax">γ, 0 to 1; 0 leaves the magnitudes as they are.</param>
/// <param name="NormBefore">Whether w is computed from G_t as it was before the projection.</param>
public sealed record GradientAdjustment(double Projection, double Clip, double Relax, bool NormBefore)
{
    // Below it a squared norm is 0: such a gradient has no direction.
    private const double Nothing = 1e-30;

    /// <param name="core">G_T, [n]: all shared parameters one behind the other</param>
    /// <param name="others">G_t, [n] each</param>
    /// <returns>[n]; a gradient of 0 adds nothing</returns>
    public Tensor Merge(Tensor core, IReadOnlyList<Tensor> others)
    {
        var coreSquare = core.dot(core).clamp_min(Nothing);
        var merged = core.clone();
        foreach (var given in others)
        {
            var conflict = given.dot(core).clamp_max(0) / coreSquare;           // ≤ 0
            var projected = given - core * (conflict * Projection);
            var measured = NormBefore ? given : projected;
            var ratio = (coreSquare / measured.dot(measured).clamp_min(Nothing)).sqrt().clamp(1 / Clip, Clip);
            merged.add_(projected * (ratio * Relax + (1 - Relax)));
        }

        return merged;
    }
}
