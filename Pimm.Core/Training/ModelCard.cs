using System.Text.Json;
using Pimm.Core.FeatureEncoding;

namespace Pimm.Core.Training;

/// <summary>One feature as a card names it.</summary>
/// <param name="Kind">categorical or numeric</param>
/// <param name="Categories">Values with an id of their own; null for a numeric feature.</param>
/// <param name="Bins">Null for a categorical feature.</param>
public sealed record FeatureFacts(string Name, string Kind, int? Categories, int? Bins);

/// <summary>
/// All that a person should know of a trained model before using it: a Markdown page, the same as JSON, and charts.
/// It follows from the stored model alone, so it can be written again later.
/// </summary>
/// <param name="Charts">SVG files, named in the page, to stand beside it.</param>
public sealed record ModelCard(string Markdown, string Json, IReadOnlyList<(string File, string Svg)> Charts)
{
    /// <param name="trainedOn">What the rows were, for a person: a file's name.</param>
    /// <param name="name">What the charts' file names begin with.</param>
    public static ModelCard Of(TrainedModel model, string trainedOn, string name)
    {
        var features = Features(FeatureEncoding.FeatureMap.FromJson(model.FeatureMap));
        (string Task, string File, string Svg)[] charts = [.. (model.Description.Curves ?? []).Select((curve, task) =>
            (curve.Name, FormattableString.Invariant($"{name}-calibration-{task + 1}.svg"), curve.ToChart().ToSvg()))];
        var content = new
        {
            TrainedOn = trainedOn,
            Features = features,
            Model = model.Description,
            Charts = charts.Select(chart => new { chart.Task, chart.File }),
        };
        return new(
            new ModelCardText(model.Description, features, trainedOn, [.. charts.Select(chart => (chart.Task, chart.File))]).ToString(),
            JsonSerializer.Serialize(content, ModelDescription.Layout) + "\n",
            [.. charts.Select(chart => (chart.File, chart.Svg))]);
    }

    /// <summary>Says before a long run whether <see cref="Write"/> could write there.</summary>
    /// <exception cref="InputException">The path does not end in .md, or its folder is not there.</exception>
    public static void RefuseUnwritable(string path)
    {
        if (!path.EndsWith(".md", StringComparison.OrdinalIgnoreCase))
        {
            throw new InputException($"--report {path} must end in .md; what belongs to the page is written beside it.");
        }

        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
        {
            throw new InputException($"--report {path} is in a folder that is not there; make {folder} first.");
        }
    }

    /// <summary>Writes the page, beside it its JSON and its charts; files of those names are replaced.</summary>
    /// <param name="path">FILE.md</param>
    /// <returns>The files written, the page first.</returns>
    public static IReadOnlyList<string> Write(TrainedModel model, string trainedOn, string path)
    {
        var card = Of(model, trainedOn, Path.GetFileNameWithoutExtension(path));
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        (string File, string Text)[] files =
        [
            (path, card.Markdown),
            (Path.ChangeExtension(path, ".json"), card.Json),
            .. card.Charts.Select(chart => (Path.Combine(folder, chart.File), chart.Svg)),
        ];
        foreach (var (file, text) in files)
        {
            File.WriteAllText(file, text);
        }

        return [.. files.Select(written => written.File)];
    }

    private static IReadOnlyList<FeatureFacts> Features(FeatureMap map) =>
        [.. map.Fields.Select(field => field.Kind == FieldKind.Categorical
            ? new FeatureFacts(field.Name, "categorical", field.Vocabulary.Count, null)
            : new FeatureFacts(field.Name, "numeric", null, field.Edges.Count + 1))];
}
