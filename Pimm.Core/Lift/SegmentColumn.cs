using System.Globalization;

namespace Pimm.Core.Lift;

/// <summary>The level of an attribute that each customer has: an index into Levels, which are in the order they are shown.</summary>
public sealed record SegmentColumn(string Attribute, IReadOnlyList<string> Levels, IReadOnlyList<int> LevelOf)
{
    /// <summary>More levels than this: the rarest become one.</summary>
    public const int MostLevels = 12;

    private const string Missing = "missing";
    private const string Other = "other";

    /// <summary>A categorical attribute: its levels by how many customers have them; beyond <see cref="MostLevels"/> the rarest together are "other", and so are those whose level has that name.</summary>
    public static SegmentColumn OfTexts(string attribute, IReadOnlyList<string?> values)
    {
        string[] named = values.Select(value => string.IsNullOrEmpty(value) ? Missing : value).ToArray();
        string[] levels = named.GroupBy(value => value, StringComparer.Ordinal).OrderByDescending(group => group.Count())
            .ThenBy(group => group.Key, StringComparer.Ordinal).Select(group => group.Key).ToArray();
        if (levels.Length > MostLevels)
            levels = [.. levels.Where(level => level != Other).Take(MostLevels - 1), Other];
        Dictionary<string, int> place = levels.Select((level, i) => (level, i)).ToDictionary(pair => pair.level, pair => pair.i, StringComparer.Ordinal);
        return new SegmentColumn(attribute, levels, named.Select(value => place.GetValueOrDefault(value, levels.Length - 1)).ToArray());
    }

    /// <summary>A numeric attribute in terciles; equal values stay together, so a level may be larger or missing. NaN is "missing".</summary>
    public static SegmentColumn OfNumbers(string attribute, IReadOnlyList<double> values)
    {
        double[] sorted = values.Where(value => !double.IsNaN(value)).Order().ToArray();
        double[] cuts = sorted.Length == 0 ? []
            : new[] { sorted[(sorted.Length - 1) / 3], sorted[2 * (sorted.Length - 1) / 3] }.Where(cut => cut < sorted[^1]).Distinct().ToArray();
        var levels = cuts.Select((cut, i) => i == 0 ? $"up to {Number(cut)}" : $"above {Number(cuts[i - 1])} to {Number(cut)}").ToList();
        if (sorted.Length > 0)
            levels.Add(cuts.Length == 0 ? Number(sorted[0]) : $"above {Number(cuts[^1])}");
        int missing = levels.Count;
        if (sorted.Length < values.Count)
            levels.Add(Missing);
        return new SegmentColumn(attribute, levels, values.Select(value => double.IsNaN(value) ? missing : cuts.Count(cut => value > cut)).ToArray());
    }

    private static string Number(double value) => value.ToString(Math.Abs(value) >= 100 ? "0" : "G3", CultureInfo.InvariantCulture);
}
