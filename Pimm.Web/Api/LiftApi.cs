using System.Net.Mime;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pimm.Core.Access;
using Pimm.Core.Campaigns;
using Pimm.Core.Lift;

namespace Pimm.Web.Api;

/// <summary>What a campaign's treatment model was worth.</summary>
public static class LiftApi
{
    // With one number of nine and no wave: a whole report is some hundred lines.
    private static readonly JsonNode Example = JsonSerializer.SerializeToNode(
        new LiftReport(
            "Spring savings", false, new DateTimeOffset(2027, 1, 15, 3, 0, 0, TimeSpan.Zero), 0.95, new LiftWindows(new DateTimeOffset(2027, 1, 4, 16, 0, 0, TimeSpan.Zero), true, []),
            new LiftVerdict("ship", "The treatment model made 4.1 more core conversions per 1,000 impressions (1.9 to 6.3)."), [],
            [new LiftNumber(LiftKeys.Extra, "Extra core conversions", "what the treatment model was worth", "why", 4.1, 1.12, 1.9, 6.3, "difference of means", "per 1,000 impressions", null, null)],
            new LiftSequential(412, 489, 1600, 7.9, 0.13, null, null, false, null), [new LiftFunnelStage("exported", 10_000, 10_000, null, null)], null),
        LiftReport.JsonOptions)!;

    public static RouteGroupBuilder MapLiftApi(this RouteGroupBuilder api)
    {
        api.MapGet("/campaigns/{id:long}/lift", ReportAsync).RequireScope(ApiScopes.LiftRead).WithTags("Lift").WithName("getLift")
            .WithSummary("A campaign's lift report").WithDescription("The newest report, or the one of a version, exactly as it was computed: what `pimm lift --json` prints.")
            .WithExample(Example).Produces<LiftReport>().ProducesProblem(StatusCodes.Status404NotFound);
        return api;
    }

    private static async Task<IResult> ReportAsync(long id, CampaignStore campaigns, LiftStore lifts, CancellationToken cancellationToken, int? version = null)
    {
        if (await campaigns.FindAsync(id, cancellationToken) is null)
        {
            return ApiProblem.NotFound($"campaign {id}");
        }
        var stored = version is { } wanted ? await lifts.FindAsync(id, wanted, cancellationToken) : await lifts.NewestAsync(id, cancellationToken);
        return stored is null
            ? ApiProblem.NotFound(version is null ? $"lift report of campaign {id} yet: it is computed when outcomes have come back" : $"lift report of campaign {id} with version {version}")
            : TypedResults.Text(stored.Report, MediaTypeNames.Application.Json);
    }
}
