using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Networks;

/// <summary>Numbers computed outside of this code from the networks' equations, in double precision.</summary>
internal static class GoldenVectors
{
    private static readonly JsonDocument Document = Read();

    public static JsonElement At(params string[] path) =>
        path.Aggregate(Document.RootElement, (element, key) => int.TryParse(key, out var index) ? element[index] : element.GetProperty(key));

    public static double[] Numbers(params string[] path) => Flat(At(path)).ToArray();

    public static double Number(params string[] path) => At(path).GetDouble();

    /// <summary>A list is [n], a list of lists is [rows, columns].</summary>
    public static Tensor Tensor(params string[] path)
    {
        var element = At(path);
        long[] shape = element[0].ValueKind == JsonValueKind.Array
            ? [element.GetArrayLength(), element[0].GetArrayLength()]
            : [element.GetArrayLength()];
        return tensor(Flat(element).ToArray(), shape);
    }

    private static IEnumerable<double> Flat(JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray().SelectMany(Flat) : [element.GetDouble()];

    private static JsonDocument Read()
    {
        using var stream = typeof(GoldenVectors).Assembly.GetManifestResourceStream("model_golden_vectors.json")!;
        return JsonDocument.Parse(stream);
    }
}
