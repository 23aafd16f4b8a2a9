using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Statistics;

namespace Pimm.Web.Api;

/// <summary>What a campaign decided about one customer.</summary>
/// <param name="Customer">the pseudonymous key, docs/hashing.md</param>
/// <param name="Arm">control or treatment</param>
/// <param name="Flagged">held back whichever model ranks: never exported</param>
/// <param name="Waves">days whose ranking reached the customer, the oldest first</param>
public sealed record ApiAssignment(long CampaignId, Guid Customer, string Arm, bool Flagged, IReadOnlyList<ApiCustomerWave> Waves)
{
    public static ApiAssignment Of(long campaignId, CustomerAssignment found) => new(
        campaignId, found.Customer, found.Arm == 0 ? "control" : "treatment", found.Flagged,
        [.. found.Waves.Select(wave => new ApiCustomerWave(wave.WaveDate, wave.Action == 1 ? "export" : "hold-back", wave.Exploration, wave.Listed))]);
}

/// <param name="Action">export, or hold-back: reached, recorded and never exported</param>
/// <param name="Exploration">drawn at random, not for the score</param>
/// <param name="Exported">the list that names the customer was written</param>
public sealed record ApiCustomerWave(DateOnly Date, string Action, bool Exploration, bool Exported);

/// <param name="CustomerRef">the source system's name of the customer, as it stands in the key column of the imported file</param>
public sealed record ApiCustomerQuery(string CustomerRef);

/// <summary>Arms of single customers.</summary>
public static class AssignmentsApi
{
    private const int LongestRef = 200;

    private static readonly ApiAssignment Example = new(
        7, CustomerHash.Of("c00042"), "treatment", false, [new ApiCustomerWave(new DateOnly(2026, 12, 1), "export", false, true)]);

    public static RouteGroupBuilder MapAssignmentsApi(this RouteGroupBuilder api)
    {
        var assignments = api.MapGroup("/campaigns/{id:long}/assignments").RequireScope(ApiScopes.AssignmentsRead).WithTags("Assignments");
        assignments.MapGet("/{customer:guid}", OneAsync).WithName("getAssignment").WithSummary("A customer's arm and waves, by the pseudonymous key").WithExample(Example);
        assignments.MapPost("/lookup", LookUpAsync).WithName("lookUpAssignment").WithSummary("A customer's arm and waves, by the source system's reference")
            .WithDescription("The reference stands in the body, because addresses end up in logs. Each look-up is audited under the pseudonymous key.")
            .WithExample(Example, new ApiCustomerQuery("c00042"));
        return api;
    }

    private static Task<Results<Ok<ApiAssignment>, ProblemHttpResult>> OneAsync(
        long id, Guid customer, CampaignStore campaigns, CustomerAssignmentStore assignments, CancellationToken cancellationToken) =>
        FindAsync(id, customer, campaigns, assignments, cancellationToken);

    private static async Task<Results<Ok<ApiAssignment>, ProblemHttpResult>> LookUpAsync(
        long id, ApiCustomerQuery query, HttpContext context, CampaignStore campaigns, CustomerAssignmentStore assignments, AuditLog audit, CancellationToken cancellationToken)
    {
        if (query.CustomerRef.Length is 0 or > LongestRef)
        {
            throw new InputException($"customerRef has {query.CustomerRef.Length} characters: give 1 to {LongestRef}.");
        }
        var customer = CustomerHash.Of(query.CustomerRef);
        var found = await FindAsync(id, customer, campaigns, assignments, cancellationToken);
        await audit.AddAsync(new AuditEntry(
            ApiCaller.Of(context).Actor, "assignment.lookup", "customer", customer.ToString(), After: new { campaign = id, found = found.Result is Ok<ApiAssignment> },
            From: context.Connection.RemoteIpAddress?.ToString()), cancellationToken);
        return found;
    }

    private static async Task<Results<Ok<ApiAssignment>, ProblemHttpResult>> FindAsync(
        long id, Guid customer, CampaignStore campaigns, CustomerAssignmentStore assignments, CancellationToken cancellationToken)
    {
        if (await assignments.FindAsync(id, customer, cancellationToken) is { } found)
        {
            return TypedResults.Ok(ApiAssignment.Of(id, found));
        }
        return await campaigns.FindAsync(id, cancellationToken) is null
            ? ApiProblem.NotFound(string.Create(CultureInfo.InvariantCulture, $"campaign {id}"))
            : ApiProblem.Of(StatusCodes.Status404NotFound, "not-eligible", "Not in this campaign", $"Campaign {id} has not drawn an arm for this customer: not eligible, or its customers are not split yet.");
    }
}
