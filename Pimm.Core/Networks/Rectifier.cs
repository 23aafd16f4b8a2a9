using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>The end of a layer: ReLU → Dropout, the latter only while training.</summary>
internal static class Rectifier
{
    /// <param name="share">of units dropped, 0 to below 1</param>
    public static Tensor Of(Tensor hidden, double share, bool training)
    {
        if (!training || share <= 0)
        {
            return functional.relu(hidden);
        }

#if TORCH_PACKAGE
        return functional.dropout(functional.relu(hidden), share, training);
#else
        return TorchSharp.Accelerated.Rectified.WithDropout(hidden, share);
#endif
    }
}
