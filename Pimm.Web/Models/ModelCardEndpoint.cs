using System.Text;
using Pimm.Core.Promoting;
using Pimm.Core.Training;

namespace Pimm.Web.Models;

/// <summary>A version's card as a file, the same that the command line writes, its charts within it.</summary>
public static class ModelCardEndpoint
{
    public static IEndpointRouteBuilder MapModelCards(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/models/versions/{id:long}/card", CardAsync);
        return routes;
    }

    private static async Task<IResult> CardAsync(long id, LineHistoryStore history, ModelStore models, CancellationToken cancellationToken)
    {
        if (await history.FindVersionAsync(id, cancellationToken) is null || await models.FeatureMapAsync(id, cancellationToken) is not { } map)
        {
            return TypedResults.NotFound();
        }

        var version = await models.GetVersionAsync(id, cancellationToken);
        var line = await history.FindLineAsync(version.ModelLineId, cancellationToken);
        // A card follows from what is said of the weights: it can be written when they are gone.
        var model = new TrainedModel(ModelDescription.FromJson(version.Description), map, []);
        var name = FormattableString.Invariant($"line-{version.ModelLineId}-version-{version.Version}");
        var card = ModelCard.Of(model, $"the audience \"{line!.Audience}\"", name);
        var text = card.Charts.Aggregate(card.Markdown, (page, chart) =>
            page.Replace($"({Uri.EscapeDataString(chart.File)})", $"(data:image/svg+xml;base64,{Convert.ToBase64String(Encoding.UTF8.GetBytes(chart.Svg))})", StringComparison.Ordinal));
        return TypedResults.File(Encoding.UTF8.GetBytes(text), "text/markdown; charset=utf-8", $"{name}.md");
    }
}
