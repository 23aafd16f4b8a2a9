using Pimm.Core.Networks;
using TorchSharp;
#if !TORCH_PACKAGE
using TorchSharp.Accelerated;
#endif

namespace Pimm.Core.Training;

/// <summary>
/// A network's answers from native code, several times as fast as the network itself and equal to it within 1e-5, where its kind has such
/// code (PIMM with at least one layer in its towers) and Torch/Accelerated is there. A row's answer does not depend on the rows
/// beside it, nor on the number of threads.
/// </summary>
internal sealed class NativeForward : IDisposable
{
#if TORCH_PACKAGE
    public static NativeForward? Of(MultiTaskNetwork network, torch.Device device) => null;

    public long Run(ReadOnlySpan<int> ids, long rows, Span<float> probabilities) => throw new NotSupportedException();

    public void Dispose()
    {
    }
#else
    /// <summary>What products of embeddings and first weights may take, in bytes. Narrow embeddings are multiplied nearly as fast
    /// as products are fetched from beyond the cache next to the processor, wide ones are not.</summary>
    private const long NarrowTables = 512 << 10;
    private const long WideTables = 128 << 20;
    private const int WideEmbedding = 12;

    private readonly ForwardPass pass;

    private NativeForward(ForwardPass pass) => this.pass = pass;

    /// <summary>With the parameters as they are now: what is learned later is not seen.</summary>
    /// <returns>null: the network itself has to answer</returns>
    public static NativeForward? Of(MultiTaskNetwork network, torch.Device device)
    {
        if (device.type != DeviceType.CPU || network is not PimmNetwork { Options: { Towers.Count: > 0 } options })
        {
            return null;
        }

        var shape = new NativeForwardShape
        {
            Fields = network.Shape.Fields, Embedding = options.Embedding, Tasks = network.Shape.Tasks, Layers = options.Towers.Count,
            Rectified = options.TransferLayer == TransferLayer.Relu ? 1 : 0,
            Activation = options.PremiseActivation switch { PremiseActivation.Sigmoid => 0, PremiseActivation.Tanh => 1, _ => 2 },
            TableBytes = options.Embedding < WideEmbedding ? NarrowTables : WideTables,
        };
        return new(new ForwardPass(shape, [.. network.Shape.VocabularySizes], [.. options.Towers], Parameters(network, options)));
    }

    private static List<torch.Tensor?> Parameters(MultiTaskNetwork network, PimmOptions options)
    {
        var named = network.named_parameters().ToDictionary(pair => pair.name, pair => (torch.Tensor)pair.parameter);
        List<torch.Tensor?> parameters = [named["embeddings.table.weight"]];
        for (var layer = 0; layer < options.Towers.Count; layer++)
        {
            parameters.AddRange(named[$"towers.weight{layer}"], named[$"towers.bias{layer}"]);
        }

        parameters.AddRange(named["chain.heads.weight"], named["chain.heads.bias"]);
        for (var transfer = 0; transfer < network.Shape.Tasks - 1; transfer++)
        {
            var merge = $"chain.merge{transfer}";
            parameters.AddRange(
                named[$"chain.attention{(options.SharedAttention ? 0 : transfer)}.weight"],
                named.GetValueOrDefault($"{merge}.premiseWeight"), named.GetValueOrDefault($"{merge}.premiseBias"),
                named.GetValueOrDefault($"{merge}.transferWeight"), named.GetValueOrDefault($"{merge}.transferBias"));
        }

        return parameters;
    }

    /// <param name="ids">[rows, F]</param>
    /// <param name="probabilities">[rows, T], filled</param>
    /// <returns>the place of the first id outside of its vocabulary, or -1; the probabilities are not to be used then</returns>
    public long Run(ReadOnlySpan<int> ids, long rows, Span<float> probabilities) => pass.Run(ids, rows, probabilities);

    public void Dispose() => pass.Dispose();
#endif
}
