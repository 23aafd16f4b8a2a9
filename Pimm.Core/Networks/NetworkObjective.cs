namespace Pimm.Core.Networks;

/// <summary>
/// What a network is trained to minimise over all rows of a batch (the product of the probabilities never appears; logits do):
/// L = Σ_t w_t · BCE(y_t, ŷ_t) + c · mean Σ_{t≥1} max(ŷ_t − ŷ_{t−1}, 0). The second term is AITM's behavioural expectation
/// calibrator (KDD'21). L2 is λ/2 · Σ w² over the embedding table and the attention matrices, as in AITM's code.
/// </summary>
/// <param name="TaskWeights">w_t ≥ 0, T of them; empty means 1 each.</param>
/// <param name="CalibratorWeight">c ≥ 0; 0 leaves the term out.</param>
/// <param name="L2">λ ≥ 0.</param>
public sealed record NetworkObjective(IReadOnlyList<double> TaskWeights, double CalibratorWeight, double L2);
