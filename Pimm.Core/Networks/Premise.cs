using TorchSharp;

namespace Pimm.Core.Networks;

/// <summary>
/// What a training step lets a network see of the truth; networks without a premise ignore it, and it is absent in evaluation.
/// </summary>
/// <param name="Labels">[B, T] of 0 and 1, the network's floating type.</param>
/// <param name="Shown">[B, T−1] of 0 and 1: 1 where the label of stage t stands in the premise of stage t + 1, 0 where the
/// prediction does. Drawn outside the network from a stream of its own (ambiguity A13).</param>
public sealed record Premise(torch.Tensor Labels, torch.Tensor Shown);
