using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.HttpResults;
using Pimm.Core.Access;
using Pimm.Core.Training;

namespace Pimm.Web.Api;

/// <summary>A kind of network with settings that is trained again and again on one audience.</summary>
/// <param name="Settings">as the line was made: names and values of options, all texts</param>
/// <param name="Champion">the version that scores campaigns; null before the first</param>
public sealed record ApiModelLine(long Id, string Name, string Network, JsonNode? Settings, long AudienceId, DateTimeOffset CreatedAt, ApiModelVersion? Champion)
{
    public static ApiModelLine Of(ModelLine line, ModelVersion? champion) => new(
        line.Id, line.Name, line.Network, JsonNode.Parse(line.Settings), line.AudienceId, line.CreatedAt,
        champion is null ? null : ApiModelVersion.Of(champion, champion.Id));
}

/// <summary>One trained instance of a line.</summary>
/// <param name="Version">1, 2, … within the line</param>
/// <param name="IsChampion">scores campaigns now</param>
/// <param name="NewestImpression">training read impressions up to this time; null for lines that learn nothing</param>
/// <param name="Metrics">one entry a task on rows that were held out: name, auc, logLoss, calibration and more; null where nothing was measured</param>
public sealed record ApiModelVersion(
    long Id, int Version, bool IsChampion, long Seed, long TrainingRows, DateTimeOffset? NewestImpression, DateTimeOffset TrainedAt, JsonNode? Metrics)
{
    public static ApiModelVersion Of(ModelVersion version, long? champion) => new(
        version.Id, version.Version, version.Id == champion, version.Seed, version.TrainingRows, version.NewestImpression, version.TrainedAt,
        JsonNode.Parse(version.Description)?["test"]?.DeepClone());
}

/// <summary>Model lines and their versions.</summary>
public static class ModelsApi
{
    private static readonly ApiModelVersion Example = new(
        12, 4, true, 4711, 182_340, new DateTimeOffset(2026, 10, 31, 21, 59, 12, TimeSpan.Zero), new DateTimeOffset(2026, 12, 1, 1, 12, 40, TimeSpan.Zero),
        JsonNode.Parse("""[{"name":"click","auc":0.712},{"name":"invest","auc":0.803}]"""));

    public static RouteGroupBuilder MapModelsApi(this RouteGroupBuilder api)
    {
        var models = api.MapGroup("/models").RequireScope(ApiScopes.ModelsRead).WithTags("Models");
        models.MapGet("", LinesAsync).WithName("listModelLines").WithSummary("Model lines with their champions, the oldest first")
            .WithExample(new ApiPage<ApiModelLine>([new(3, "pimm", "pimm", JsonNode.Parse("{}"), 1, Example.TrainedAt.AddDays(-90), Example)], null));
        models.MapGet("/{line:long}/versions", VersionsAsync).WithName("listModelVersions").WithSummary("The versions of a line, the newest first")
            .WithExample(new ApiPage<ApiModelVersion>([Example], null));
        return api;
    }

    private static async Task<Ok<ApiPage<ApiModelLine>>> LinesAsync(ModelStore models, CancellationToken cancellationToken, int? limit = null, long? after = null)
    {
        var rows = ApiQuery.Limit(limit);
        var lines = (await models.LinesAsync(cancellationToken)).Where(line => line.Id > (after ?? 0)).Take(rows + 1).ToList();
        var champions = (await models.ChampionsAsync([.. lines.Select(line => line.Id)], cancellationToken)).ToDictionary(champion => champion.ModelLineId);
        return TypedResults.Ok(ApiPage<ApiModelLine>.Of(lines, rows, line => ApiModelLine.Of(line, champions.GetValueOrDefault(line.Id)), line => line.Id));
    }

    private static async Task<Results<Ok<ApiPage<ApiModelVersion>>, ProblemHttpResult>> VersionsAsync(
        long line, ModelStore models, CancellationToken cancellationToken, int? limit = null, long? after = null)
    {
        var rows = ApiQuery.Limit(limit);
        if ((await models.LinesAsync(cancellationToken)).All(known => known.Id != line))
        {
            return ApiProblem.NotFound($"model line {line}");
        }
        var champion = (await models.ChampionAsync(line, cancellationToken))?.Id;
        var versions = (await models.VersionsAsync(line, cancellationToken)).Where(version => after is null || version.Id < after).Take(rows + 1).ToList();
        return TypedResults.Ok(ApiPage<ApiModelVersion>.Of(versions, rows, version => ApiModelVersion.Of(version, champion), version => version.Id));
    }
}
