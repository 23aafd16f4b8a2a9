using Pimm.Core.Networks;

namespace Pimm.Core.Comparing;

/// <summary>
/// One row of a comparison: a network with settings. Written <c>pimm</c>, or with settings of its own
/// <c>pimm:premise=false:towers=64/32</c>, where a slash joins the parts of a list.
/// </summary>
/// <param name="Name">as written; what the row is called</param>
/// <param name="Network">a name of <see cref="NetworkCatalog"/></param>
/// <param name="Settings">the common ones and its own; its own win</param>
public sealed record ComparedModel(string Name, string Network, IReadOnlyDictionary<string, string> Settings)
{
    private const string Esmm = "esmm";
    private const string Esm2 = "esm2";
    private const string OtherPath = "otherPath";

    /// <exception cref="InputException">no such network, or a setting that is no key=value</exception>
    public static ComparedModel Parse(string text, IReadOnlyDictionary<string, string> common)
    {
        var parts = text.Split(':', StringSplitOptions.TrimEntries);
        if (!NetworkCatalog.Names.Contains(parts[0]))
        {
            throw new InputException($"There is no model '{parts[0]}'; there are {string.Join(", ", NetworkCatalog.Names)}.");
        }

        var settings = new Dictionary<string, string>(common, StringComparer.OrdinalIgnoreCase);
        foreach (var part in parts[1..])
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new InputException($"'{part}' in the model '{text}' is no key=value; write for example pimm:premise=false:towers=64/32.");
            }

            settings[part[..equals]] = part[(equals + 1)..].Replace('/', ',');
        }

        return new ComparedModel(text, parts[0], settings);
    }

    /// <exception cref="InputException">fewer than two models, or one twice</exception>
    public static IReadOnlyList<ComparedModel> ParseAll(string list, IReadOnlyDictionary<string, string> common)
    {
        ComparedModel[] models = [.. list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(text => Parse(text, common))];
        var twice = models.GroupBy(model => model.Name).FirstOrDefault(group => group.Count() > 1);
        if (twice is not null)
        {
            throw new InputException($"The model '{twice.Key}' is named twice in --models; name it once, or give one of them other settings.");
        }

        if (models.Length > 0 && models[0].EqualIn(models) is { } equal)
        {
            throw new InputException($"The candidate '{models[0].Name}' is '{equal.Name}' on a chain of stages and would be tested against itself; name another model first.");
        }

        return models.Length > 1
            ? models
            : throw new InputException($"--models names {models.Length} model; a comparison needs at least two: --models pimm,shared-bottom.");
    }

    /// <summary>
    /// The model of the list that is the same function of the same weights: on a pure chain ESM2 without its other path is ESMM, so it
    /// is neither trained nor counted a second time. Null for every other model.
    /// </summary>
    public ComparedModel? EqualIn(IReadOnlyList<ComparedModel> models) =>
        Network != Esm2 || (bool.TryParse(Settings.GetValueOrDefault(OtherPath), out var other) && other)
        ? null
        : models.FirstOrDefault(other => other.Network == Esmm && SameSettings(other));

    private bool SameSettings(ComparedModel other)
    {
        var mine = Settings.Where(pair => !pair.Key.Equals(OtherPath, StringComparison.OrdinalIgnoreCase)).ToArray();
        return mine.Length == other.Settings.Count && mine.All(pair => other.Settings.GetValueOrDefault(pair.Key) == pair.Value);
    }
}
