namespace Pimm.Core.Networks;

/// <summary>Which loss a network's stages are trained with.</summary>
public enum StageLoss
{
    /// <summary>Σ_t w_t · BCE(y_t, ŷ_t) over all rows.</summary>
    CrossEntropy,

    /// <summary>Σ_t w_t · y_{t−1} · BCE(y_t, sigmoid(z_t)) with y_{−1} = 1: each stage on the rows that reached the one before. It
    /// equals −ln(ŷ_s − ŷ_{s+1}) of the stage s where a row stopped, exactly. For <see cref="MultiTaskNetwork.Conditional"/> outputs.</summary>
    Dependence,

    /// <summary>−ln max(ŷ_s − ŷ_{s+1}, 1e-6) of the stage s where a row stopped, for outputs that are logits of ŷ. Where the order is
    /// violated the bound takes the gradient away; the calibrator gives it back. It has no weights of tasks.</summary>
    MarginalDependence,

    /// <summary>Σ_{t≥1} w_t · of a three-way choice for each neighbouring pair: −[y_t ln ŷ_t + (y_{t−1} − y_t) ln(ŷ_{t−1} − ŷ_t) +
    /// (1 − y_{t−1}) ln(1 − ŷ_{t−1})]. It counts middle stages twice; with one task it is the cross entropy. For
    /// <see cref="MultiTaskNetwork.Conditional"/> outputs.</summary>
    Pairwise,
}

/// <summary>On which scale an amount is learned.</summary>
public enum AmountScale
{
    /// <summary>(a − mean) / deviation.</summary>
    Standardised,

    /// <summary>ln(1 + a), standardised; for heavy tails. It takes amounts from 0 upwards.</summary>
    Log1p,
}

/// <summary>
/// What a network is trained to minimise over all rows of a batch (the product of the probabilities never appears; logits do):
/// L = <see cref="Loss"/> + c · mean Σ_{t≥1} max(ŷ_t − ŷ_{t−1}, 0) + λ_e · Σ_t w_t · BCE(y_t, ŷ_t), and for an amount its mean squared
/// error on the training scale. The second term is AITM's behavioural expectation calibrator (KDD'21). L2 is λ/2 · Σ w² over the
/// embedding table; the attention matrices have a λ of their own.
/// </summary>
/// <param name="TaskWeights">w_t ≥ 0, T of them; empty means 1 each.</param>
/// <param name="CalibratorWeight">c ≥ 0; 0 leaves the term out.</param>
/// <param name="L2">λ ≥ 0.</param>
public sealed record NetworkObjective(IReadOnlyList<double> TaskWeights, double CalibratorWeight, double L2)
{
    /// <summary>
    /// λ of every network unless a setting says otherwise. AITM's code has 1e-6, with which categories of few rows are learned by heart:
    /// on 100,000 simulated impressions the last stage's expected AUC was then .738, with this .757. Through Adam, which divides by the
    /// gradient's own size, it shrinks most what data says least about, and one value serves 100,000 rows and 1,000,000.
    /// </summary>
    public const double UsualL2 = 3e-3;

    /// <summary>AITM's. Where nothing is added to what the attention gives, a large one would starve the later stages.</summary>
    public const double UsualAttentionL2 = 1e-6;

    /// <summary>λ ≥ 0 of the attention matrices.</summary>
    public double AttentionL2 { get; init; }

    /// <summary>The stages' loss; the cross entropy over all rows by default.</summary>
    public StageLoss Loss { get; init; } = StageLoss.CrossEntropy;

    /// <summary>λ_e ≥ 0, weight of the cross entropies over all rows beside another loss; 0 by default. Nothing beside
    /// <see cref="StageLoss.CrossEntropy"/>, which is that already.</summary>
    public double EntireSpaceWeight { get; init; }

    /// <summary>How the tasks' gradients for <see cref="MultiTaskNetwork.Shared"/> become one; null, the default, adds them up.</summary>
    public GradientAdjustment? Adjustment { get; init; }

    /// <summary>The scale of the amount, where one is predicted; standardised by default.</summary>
    public AmountScale AmountScale { get; init; } = AmountScale.Standardised;
}
