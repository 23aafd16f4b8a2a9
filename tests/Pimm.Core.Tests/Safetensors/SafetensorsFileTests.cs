using System.Runtime.InteropServices;
using System.Text;
using Pimm.Core.Safetensors;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Safetensors;

public sealed class SafetensorsFileTests : IDisposable
{
    private static readonly Dictionary<string, string> SomeMetadata = new() { ["model"] = "pimm", ["text"] = "\"ä\" \u0001" };
    private readonly string folder = Directory.CreateTempSubdirectory("safetensors").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void What_was_written_is_read_back_from_the_mapped_file()
    {
        string path = Path.Combine(folder, "a.safetensors");

        SafetensorsFile.Write(path, SomeMetadata, [Data("ids", SafetensorType.U8, [3], new byte[] { 1, 2, 3 }), Data("weight", SafetensorType.F32, [2, 2], new[] { 1f, -2f, 3.5f, 0f }), Data("step", SafetensorType.I64, [], new[] { 7L }), Data("none", SafetensorType.F32, [0, 4], Array.Empty<float>())]);

        using var reader = SafetensorsReader.Open(path);
        reader.Metadata.ShouldBe(SomeMetadata);
        reader.Elements<float>("weight").ToArray().ShouldBe([1f, -2f, 3.5f, 0f]);
        reader.Entry("weight").Shape.ShouldBe([2L, 2L]);
        reader.Elements<byte>("ids").ToArray().ShouldBe([1, 2, 3]);
        reader.Elements<long>("step")[0].ShouldBe(7);
        reader.Elements<float>("weight", 1, 2).ToArray().ShouldBe([-2f, 3.5f]);
        reader.Elements<float>("none").Length.ShouldBe(0);
        File.Exists(path + ".part").ShouldBeFalse();
    }

    [Fact]
    public void The_bytes_are_the_format_s_own()
    {
        var bytes = Written(Data("a", SafetensorType.I16, [2], new short[] { 1, -1 }));

        string json = """{"__metadata__":{},"a":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}}""";
        BitConverter.ToInt64(bytes, 0).ShouldBe(120);
        Encoding.UTF8.GetString(bytes, 8, 120).TrimEnd(' ').ShouldBe(json);
        bytes[128..].ShouldBe([1, 0, 255, 255]);
    }

    [Fact]
    public void The_same_content_gives_the_same_bytes_whatever_the_order_of_the_metadata()
    {
        var one = new MemoryStream();
        var two = new MemoryStream();

        SafetensorsFile.Write(one, new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" }, []);
        SafetensorsFile.Write(two, new Dictionary<string, string> { ["b"] = "2", ["a"] = "1" }, []);

        one.ToArray().ShouldBe(two.ToArray());
    }

    [Fact]
    public void A_writer_keeps_count_of_what_it_announced()
    {
        var writer = new SafetensorsWriter(new MemoryStream(), new Dictionary<string, string>(), [("a", SafetensorType.F32, [2])]);

        writer.Write(new byte[4]);
        Should.Throw<InvalidOperationException>(writer.Complete).Message.ShouldBe("4 bytes were written, the header announced 8.");
        Should.Throw<InvalidOperationException>(() => writer.Write(new byte[5]));
        writer.Write(new byte[4]);

        writer.Complete();
    }

    [Fact]
    public void A_tensor_of_another_type_or_name_is_refused_in_words()
    {
        using var reader = SafetensorsReader.Parse(Written(Data("a", SafetensorType.I16, [2], new short[] { 1, -1 })), "weights");

        Should.Throw<InputException>(() => { reader.Elements<float>("a"); }).Message.ShouldBe("weights has tensor a I16[2] where elements of type F32 are expected.");
        Should.Throw<InputException>(() => reader.Entry("b")).Message.ShouldBe("weights has no tensor b; it has a.");
    }

    [Fact]
    public void Values_that_are_not_finite_are_found()
    {
        using var good = SafetensorsReader.Parse(Written(Data("a", SafetensorType.F64, [2], new[] { 1d, 2d })), "good");
        using var bad = SafetensorsReader.Parse(Written(Data("a", SafetensorType.F32, [2], new[] { 1f, float.NaN })), "bad");

        good.RequireFinite();
        Should.Throw<InputException>(bad.RequireFinite).Message.ShouldStartWith("bad cannot be used: tensor a holds a value that is not finite");
    }

    [Fact]
    public void A_reader_that_was_disposed_gives_no_memory_any_more()
    {
        string path = Path.Combine(folder, "b.safetensors");
        SafetensorsFile.Write(path, SomeMetadata, [Data("a", SafetensorType.U8, [1], new byte[] { 1 })]);
        var reader = SafetensorsReader.Open(path);

        reader.Dispose();
        reader.Dispose();

        Should.Throw<ObjectDisposedException>(() => { reader.Bytes("a"); });
    }

    internal static byte[] Written(params SafetensorData[] tensors)
    {
        var stream = new MemoryStream();
        SafetensorsFile.Write(stream, new Dictionary<string, string>(), tensors);
        return stream.ToArray();
    }

    internal static SafetensorData Data<T>(string name, SafetensorType type, long[] shape, T[] numbers) where T : unmanaged =>
        new(name, type, shape, MemoryMarshal.AsBytes<T>(numbers).ToArray());
}
