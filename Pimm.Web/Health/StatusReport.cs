using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pimm.Core.Access;
using Pimm.Core.Operating;
using Pimm.Web.Security;

namespace Pimm.Web.Health;

/// <summary>
/// /health/status: what doctor says, as JSON, for whoever runs Pimm: from this machine itself, or signed in and allowed to start
/// work. It names folders and machines, so it is not for everybody.
/// </summary>
public static class StatusReport
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    public static async Task<IResult> AnswerAsync(HttpContext context, InstallationHealth health, CancellationToken cancellationToken)
    {
        if (!IsThisMachine(context) && !WorkPermit.Shown(context.User))
            return Results.StatusCode(context.User.Identity?.IsAuthenticated == true ? StatusCodes.Status403Forbidden : StatusCodes.Status401Unauthorized);
        var findings = await health.LookAsync(cancellationToken);
        var level = findings.Max(finding => finding.Level);
        var status = level == HealthLevel.Failing ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        context.Response.StatusCode = status;
        DatabaseAway.SayWhenToComeAgain(context.Response);
        return Results.Json(new { Status = level, Findings = findings }, Json, statusCode: status);
    }

    /// <summary>Behind a proxy on the same machine everybody comes from there; a proxy says for whom it asks.</summary>
    private static bool IsThisMachine(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } from && IPAddress.IsLoopback(from)
        && !context.Request.Headers.ContainsKey("X-Forwarded-For") && !context.Request.Headers.ContainsKey("Forwarded") && !context.Request.Headers.ContainsKey("X-Original-For");
}
