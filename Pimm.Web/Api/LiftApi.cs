using System.Net.Mime;
using System.Text.Json.Nodes;
using Pimm.Core.Access;
using Pimm.Core.Campaigns;
using Pimm.Core.Lift;

namespace Pimm.Web.Api;

/// <summary>What a campaign's treatment model was worth.</summary>
public static class LiftApi
{
    // The beginning of one: a whole report is some hundred lines.
    private static readonly JsonNode Example = JsonNode.Parse(
        """
        {"campaign":"Spring savings","simulated":false,"asOf":"2027-01-15T03:00:00+00:00","confidence":0.95,
         "verdict":{"status":"ship","sentence":"The treatment model made 4.1 more core conversions per 1,000 impressions (1.9 to 6.3)."},
         "numbers":[{"key":"extraPerThousand","name":"Extra core conversions","estimate":4.1,"standardError":1.12,"lower":1.9,"upper":6.3,"unit":"per 1,000 impressions"}]}
        """)!;

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
