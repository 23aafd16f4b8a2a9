using Pimm.Core.Networks;
using TorchSharp;

namespace Pimm.Core.Training;

/// <summary>A network's weights as the bytes of a safetensors file, and back.</summary>
internal static class WeightsFile
{
    public static byte[] Write(MultiTaskNetwork network, ModelDescription description)
    {
        using var s = new MemoryStream();
        foreach (var (_, t) in network.state_dict())
        {
            using var c = t.cpu();
            s.Write(c.bytes);
        }

        return s.ToArray();
    }

    public static void Read(byte[] weights, MultiTaskNetwork network)
    {
        var at = 0;
        foreach (var (_, t) in network.state_dict())
        {
            var b = t.bytes;
            weights.AsSpan(at, b.Length).CopyTo(b);
            at += b.Length;
        }
    }
}
