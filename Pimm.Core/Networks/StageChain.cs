using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// From conditional logits z to the logits of ŷ_t = Π_{j≤t} sigmoid(z_j), the probability over all impressions that stage t is
/// reached. Everything stays a logarithm: ln ŷ_t = Σ logsig(z_j) and ln(1 − ŷ_t) = logaddexp(ln(1 − ŷ_{t−1}),
/// ln ŷ_{t−1} + logsig(−z_t)), so that neither products underflow nor anything has to be clamped.
/// </summary>
public static class StageChain
{
    /// <param name="conditional">z, [B, T]: logit of P(stage t | stage t − 1)</param>
    /// <returns>[B, T]: ln ŷ_t − ln(1 − ŷ_t); it never rises from a stage to the next</returns>
    public static Tensor Logits(Tensor conditional)
    {
        var (reached, missed) = Logarithms(conditional);
        return reached - missed;
    }

    /// <param name="conditional">z, [B, T]</param>
    /// <returns>ln ŷ_t and ln(1 − ŷ_t), [B, T] each</returns>
    public static (Tensor Reached, Tensor Missed) Logarithms(Tensor conditional)
    {
        var reached = functional.logsigmoid(conditional).cumsum(1);                         // [B, T]
        var left = functional.logsigmoid(-conditional);                                     // ln P(not t | t − 1)
        var missed = new Tensor[conditional.shape[1]];
        missed[0] = left.narrow(1, 0, 1);
        for (var task = 1; task < missed.Length; task++)
        {
            missed[task] = logaddexp(missed[task - 1], reached.narrow(1, task - 1, 1) + left.narrow(1, task, 1));
        }

        return (reached, cat(missed, 1));
    }

    /// <summary>
    /// ESM2's composition, in which a purchase comes by way of the action D or of another: P(buy) = y1 (y2 y3 + (1 − y2) y4).
    /// </summary>
    /// <param name="conditional">[B, 4], logits of y1 = P(click), y2 = P(D | click), y3 = P(buy | D), y4 = P(buy | no D)</param>
    /// <returns>[B, 3], logits of P(click), P(click and D) and P(buy)</returns>
    public static Tensor LogitsByTwoPaths(Tensor conditional)
    {
        var yes = functional.logsigmoid(conditional).unbind(1);                             // 4 of [B]
        var no = functional.logsigmoid(-conditional).unbind(1);
        var bought = logaddexp(yes[1] + yes[2], no[1] + yes[3]);                            // ln P(buy | click)
        var notBought = logaddexp(yes[1] + no[2], no[1] + no[3]);
        var last = yes[0] + bought - logaddexp(no[0], yes[0] + notBought);
        return cat([Logits(conditional.narrow(1, 0, 2)), last.unsqueeze(1)], 1);
    }
}
