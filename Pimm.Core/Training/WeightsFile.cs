using System.Globalization;
using System.Runtime.InteropServices;
using Pimm.Core.Networks;
using Pimm.Core.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>
/// A network's weights as the bytes of a safetensors file, float32 under the names of its state dict, and back. Buffers follow from
/// the vocabularies and are not stored. The same weights give the same bytes.
/// </summary>
internal static class WeightsFile
{
    public static byte[] Write(MultiTaskNetwork network, ModelDescription description)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var metadata = new Dictionary<string, string>
        {
            ["model"] = description.Model,
            ["seed"] = description.Seed.ToString(CultureInfo.InvariantCulture),
            ["epoch"] = description.BestEpoch.ToString(CultureInfo.InvariantCulture),
            ["version"] = description.Version,
        };
        using var file = new MemoryStream();
        SafetensorsFile.Write(file, metadata, network.named_parameters().Select(pair => Data(pair.name, pair.parameter)));
        return file.ToArray();
    }

    /// <exception cref="InputException">The bytes are no weights of this network.</exception>
    public static void Read(byte[] weights, MultiTaskNetwork network)
    {
        using var file = SafetensorsReader.Parse(weights, "The model's weights");
        file.RequireFinite();
        var parameters = network.named_parameters().ToList();
        if (file.Entries.Count != parameters.Count)
        {
            throw new InputException($"The model's weights hold {file.Entries.Count} tensors, a network of kind {network.Kind} with these settings has {parameters.Count}; weights and description do not belong together.");
        }

        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        foreach (var (name, parameter) in parameters)
        {
            var entry = file.Entry(name);
            if (!entry.Shape.SequenceEqual(parameter.shape))
            {
                throw new InputException($"The model's weights hold {entry}, the network wants [{string.Join(",", parameter.shape)}]; weights and description do not belong together.");
            }

            parameter.copy_(tensor(file.Elements<float>(name).ToArray(), parameter.shape));
        }
    }

    private static SafetensorData Data(string name, Tensor weights)
    {
        var values = weights.detach().cpu().contiguous().data<float>().ToArray();
        return new(name, SafetensorType.F32, weights.shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    }
}
