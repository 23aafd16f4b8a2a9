using Pimm.Core.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Networks;

/// <summary>A small network of every kind, without dropout unless asked for, and rows for it.</summary>
internal static class TinyNetworks
{
    private static readonly Dictionary<string, string> Settings = new()
    {
        ["embedding"] = "2", ["towers"] = "6,4", ["bottom"] = "5", ["expertLayers"] = "5", ["transferDropout"] = "0", ["fusion"] = "4",
        ["labelEmbedding"] = "3", ["rank"] = "2",
    };

    public static MultiTaskNetwork Of(string kind, NetworkShape shape, int seed = 11)
    {
        var known = Known(kind);
        var settings = Settings.Where(pair => known.Contains(pair.Key)).ToDictionary();
        settings["dropout"] = known.Contains("bottom") || known.Contains("expertLayers") ? "0,0,0" : "0,0";
        manual_seed(seed);
        return NetworkCatalog.Create(kind, shape, settings).Network;
    }

    /// <summary>Ids for the vocabularies [3, 4].</summary>
    public static Tensor Ids(int rows) =>
        tensor(Enumerable.Range(0, rows).SelectMany(row => new long[] { row % 3, row * 7 % 4 }).ToArray(), [rows, 2]);

    /// <summary>Nested labels of every depth.</summary>
    public static Tensor Labels(int rows, int tasks) =>
        tensor(Enumerable.Range(0, rows * tasks).Select(at => at / tasks % (tasks + 1) > at % tasks ? 1f : 0f).ToArray(), [rows, tasks]);

    private static IReadOnlyCollection<string> Known(string kind)
    {
        var (network, settings) = NetworkCatalog.Create(kind, new([2], 1), new Dictionary<string, string>());
        network.Dispose();
        return [.. settings.Keys];
    }
}
