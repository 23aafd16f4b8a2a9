using Pimm.Core.Safetensors;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Tests.Torch;

public sealed class StateBytesTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Fact]
    public void A_state_survives_a_safetensors_file_bit_for_bit()
    {
        using var original = Sequential(Linear(3, 4), BatchNorm1d(4));
        using var restored = Sequential(Linear(3, 4), BatchNorm1d(4));
        original.call(randn(6, 3));
        var file = new MemoryStream();

        SafetensorsFile.Write(file, new Dictionary<string, string>(), original.state_dict().Select(Written));
        using var reader = SafetensorsReader.Parse(file.ToArray(), "state");
        restored.load_state_dict(reader.Entries.ToDictionary(e => e.Name, e => Read(reader, e)));

        foreach (var (name, tensor) in original.state_dict())
            restored.state_dict()[name].bytes.SequenceEqual(tensor.bytes).ShouldBeTrue(name);
    }

    private static SafetensorData Written(KeyValuePair<string, Tensor> item) =>
        new(item.Key, item.Value.dtype == int64 ? SafetensorType.I64 : SafetensorType.F32, item.Value.shape, item.Value.bytes.ToArray());

    private static Tensor Read(SafetensorsReader reader, SafetensorEntry entry)
    {
        var tensor = empty(entry.Shape.ToArray(), entry.Type == SafetensorType.I64 ? int64 : float32);
        reader.Bytes(entry.Name).CopyTo(tensor.bytes);
        return tensor;
    }
}
