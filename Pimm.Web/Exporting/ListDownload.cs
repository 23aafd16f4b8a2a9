using Microsoft.Extensions.Options;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Exporting;
using Pimm.Web.Api;
using Pimm.Web.Security;

namespace Pimm.Web.Exporting;

/// <summary>
/// Lists for whoever is signed in and may take them, as the API gives them to whoever has a key: audited before the first byte.
/// GET /campaigns/7/lists/2026-12-01/a/generic-csv, with /manifest behind it the file that names nobody.
/// </summary>
public static class ListDownload
{
    public static string Href(ExportedList list) => FormattableString.Invariant($"/campaigns/{list.CampaignId}/lists/{list.WaveDate:yyyy-MM-dd}/{ApiList.ArmName(list.Arm)}/{list.Channel}");

    public static IEndpointRouteBuilder MapListDownloads(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/campaigns/{id:long}/lists/{date}/{arm}/{channel}", DownloadAsync);
        routes.MapGet("/campaigns/{id:long}/lists/{date}/{arm}/{channel}/manifest", ManifestAsync);
        return routes;
    }

    private static async Task<IResult> DownloadAsync(
        HttpContext context, WorkPermit permit, ExportStore exports, IOptions<ExportingOptions> folder, AuditLog audit, long id, string date, string arm, string channel)
    {
        string actor;
        try
        {
            actor = AuditActor.User(await permit.DemandAsync(context.User, Right.DownloadLists));
        }
        catch (InputException refused)
        {
            return ApiProblem.Of(StatusCodes.Status403Forbidden, "not-allowed", "You may not take this list", refused.Message);
        }
        ExportedList? list;
        try
        {
            list = await ListsApi.FindAsync(exports, id, date, arm, channel, context.RequestAborted);
        }
        catch (InputException refused)
        {
            return ApiProblem.WrongInput(refused.Message);
        }
        return list is null
            ? ListsApi.NoList(id, date, arm, channel)
            : await ListsApi.SendAsync(context, actor, audit, folder.Value, list, list.FileName, list.Rows, list.Bytes, Convert.ToHexStringLower(list.Sha256));
    }

    private static async Task<IResult> ManifestAsync(HttpContext context, ExportStore exports, long id, string date, string arm, string channel)
    {
        try
        {
            return await ListsApi.FindAsync(exports, id, date, arm, channel, context.RequestAborted) is { Manifest: { } manifest }
                ? TypedResults.Text(manifest, "application/json")
                : ListsApi.NoList(id, date, arm, channel);
        }
        catch (InputException refused)
        {
            return ApiProblem.WrongInput(refused.Message);
        }
    }
}
