using static TorchSharp.torch;

namespace TorchSharp.Accelerated;

/// <summary>libtorch's own Adam in one pass over many tensors, its learning rate and step read from the device: newer 2.x have it.</summary>
internal static class FusedAdam
{
    private static readonly Operator Fused = new("aten::_fused_adam_", "tensor_lr");
    private static readonly Lazy<bool> Found = new(() => NativeTorch.pimm_operator_find("aten::_fused_adam_", "tensor_lr", out _) == 0);

    public static bool Exists => Found.Value;

    /// <summary>One step; the four lists belong together one by one.</summary>
    /// <param name="step">the one being taken, 1 for the first; float32, a scalar</param>
    /// <param name="learningRate">float32, a scalar</param>
    public static void Step(Tensor[] parameters, Tensor[] gradients, Tensor[] first, Tensor[] second, Tensor step, Tensor learningRate, (double Beta1, double Beta2, double Eps, double Decay) how)
    {
        var steps = new Tensor[parameters.Length];
        Array.Fill(steps, step);
        Fused.CallMany(0, parameters, gradients, first, second, Array.Empty<Tensor>(), steps, learningRate, how.Beta1, how.Beta2, how.Decay, how.Eps, false, false);
    }
}
