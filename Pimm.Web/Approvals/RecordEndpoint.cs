using System.Text;
using Pimm.Core.Approving;

namespace Pimm.Web.Approvals;

/// <summary>Records of decisions as files, byte by byte as they were recorded.</summary>
public static class RecordEndpoint
{
    public static IEndpointRouteBuilder MapApprovalRecords(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/approvals/{id:long}/records/{decision:long}.json", RecordAsync).RequireAuthorization();
        return routes;
    }

    private static async Task<IResult> RecordAsync(long id, long decision, SubmissionStore submissions, CancellationToken cancellationToken) =>
        (await submissions.DecisionsAsync(id, cancellationToken)).FirstOrDefault(one => one.Id == decision) is { } found
            ? Results.File(Encoding.UTF8.GetBytes(found.Record), "application/json", FormattableString.Invariant($"approval-{id}-{decision}.json"))
            : Results.NotFound();
}
