using System.Text;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Web.Api;
using Pimm.Web.Security;

namespace Pimm.Web.Audit;

/// <summary>GET /audit/export.csv: the entries of a filter, the oldest first, as they come from the database; that they were taken is recorded before.</summary>
public static class AuditDownload
{
    public static IEndpointRouteBuilder MapAuditDownload(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/audit/export.csv", AnswerAsync).RequireAuthorization(policy => policy.RequireRole(Rights.Holders(Right.Audit)));
        return routes;
    }

    private static async Task<IResult> AnswerAsync(HttpContext context, WorkPermit permit, AuditLog log, [AsParameters] AuditQuery query, CancellationToken cancellationToken)
    {
        try
        {
            var (filter, user) = (query.ToFilter(), await permit.DemandAsync(context.User, Right.Audit));
            await log.AddAsync(new AuditEntry(AuditActor.User(user), "audit.export", "audit", "", After: new { Format = "csv", filter }, From: context.Connection.RemoteIpAddress?.ToString()), cancellationToken);
            return TypedResults.Stream(stream => WriteAsync(log.StreamAsync(filter, context.RequestAborted), stream), "text/csv; charset=utf-8", "audit.csv");
        }
        catch (InputException refused)
        {
            return ApiProblem.WrongInput(refused.Message);
        }
    }

    private static async Task WriteAsync(IAsyncEnumerable<AuditEvent> rows, Stream stream)
    {
        await using var output = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true), leaveOpen: true);
        await output.WriteLineAsync(AuditExport.CsvHeader);
        await foreach (var row in rows)
        {
            await output.WriteLineAsync(AuditExport.Csv(row));
        }
    }
}
