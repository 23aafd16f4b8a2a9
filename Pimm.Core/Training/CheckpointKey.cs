using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using TorchSharp;

namespace Pimm.Core.Training;

/// <summary>
/// What decides every step of a training: its rows, its network, its options and the code. A checkpoint goes on only where all of it
/// is the same.
/// </summary>
/// <param name="Facts">each under the name that a person knows it by</param>
public sealed record CheckpointKey(IReadOnlyDictionary<string, string> Facts)
{
    private const int MostNamed = 4;
    private const string ThreadsFact = "training threads";

    /// <summary>That the training computes with; null where it is not said.</summary>
    [JsonIgnore]
    public int? Threads => int.TryParse(Facts.GetValueOrDefault(ThreadsFact), NumberStyles.None, CultureInfo.InvariantCulture, out var threads) ? threads : null;

    /// <param name="settings">the network's, as they are in force</param>
    /// <param name="snapshot">SHA-256 of the packed rows</param>
    public static CheckpointKey Of(string model, IReadOnlyDictionary<string, string> settings, TrainingOptions options, string snapshot, string code)
    {
        var facts = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["model"] = model, ["data"] = snapshot, ["code"] = code, ["libtorch"] = torch.__version__,
        };
        foreach (var (name, value) in settings)
        {
            facts[name] = value;
        }

        foreach (var option in JsonSerializer.SerializeToElement(options, ModelDescription.Layout).EnumerateObject())
        {
            facts[$"training {option.Name}"] = option.Value.ToString();
        }

        return new CheckpointKey(facts);
    }

    /// <summary>What another training has otherwise, as a list for a sentence; null where nothing.</summary>
    public string? DifferenceTo(CheckpointKey other)
    {
        var differing = Facts.Keys.Union(other.Facts.Keys)
            .Where(name => Facts.GetValueOrDefault(name) != other.Facts.GetValueOrDefault(name))
            .Order(StringComparer.Ordinal)
            .ToList();
        var named = differing.Take(MostNamed).Select(name => $"{name} {Short(Facts.GetValueOrDefault(name))} instead of {Short(other.Facts.GetValueOrDefault(name))}");
        var more = differing.Count > MostNamed ? string.Create(CultureInfo.InvariantCulture, $" and {differing.Count - MostNamed} more") : "";
        return differing.Count == 0 ? null : string.Join(", ", named) + more;
    }

    private static string Short(string? value) => value switch
    {
        null or "" => "none",
        { Length: > 40 } => value[..12] + "…",
        _ => value,
    };
}
