using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;

namespace Pimm.Web.Api;

/// <summary>One audience list: the customers whom one arm reaches on one day, for one channel.</summary>
/// <param name="Arm">a (control) or b (treatment): neutral, because a channel should not see which is which</param>
/// <param name="Channel">the form that the list was written in</param>
/// <param name="Sha256">of the file, lower-case hexadecimal</param>
/// <param name="Available">false: retention removed the file, or it lies on another machine</param>
/// <param name="Href">where to download it</param>
public sealed record ApiList(DateOnly Date, string Arm, string Channel, string FileName, long Rows, long Bytes, string Sha256, DateTimeOffset ExportedAt, bool Available, string Href)
{
    public static string ArmName(short arm) => arm == 0 ? "a" : "b";

    public static ApiList Of(ExportedList list, bool available) => new(
        list.WaveDate, ArmName(list.Arm), list.Channel, list.FileName, list.Rows, list.Bytes, Convert.ToHexStringLower(list.Sha256), list.ExportedAt, available,
        string.Create(CultureInfo.InvariantCulture, $"{ApiServices.Prefix}/campaigns/{list.CampaignId}/lists/{list.WaveDate:yyyy-MM-dd}/{ArmName(list.Arm)}/{list.Channel}"));
}

/// <summary>Audience lists and their files.</summary>
public static class ListsApi
{
    private const string Csv = "text/csv";

    private static readonly ApiList Example = new(
        new DateOnly(2026, 12, 1), "a", "generic-csv", "aud_5f0c1a2b_a_20261201.csv", 2000, 91_002, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        new DateTimeOffset(2026, 12, 1, 2, 0, 9, TimeSpan.Zero), true, $"{ApiServices.Prefix}/campaigns/7/lists/2026-12-01/a/generic-csv");

    public static RouteGroupBuilder MapListsApi(this RouteGroupBuilder api)
    {
        var lists = api.MapGroup("/campaigns/{id:long}/lists").RequireScope(ApiScopes.ListsRead).WithTags("Lists");
        lists.MapGet("", ListAsync).WithName("listLists").WithSummary("A campaign's audience lists, by day, arm and channel").WithExample(new ApiPage<ApiList>([Example], null));
        lists.MapGet("/{date}/{arm}/{channel}", DownloadAsync).WithName("downloadList").WithSummary("Downloads an audience list")
            .WithDescription("The ETag is the file's SHA-256, and Repr-Digest says it again as RFC 9530 does. Each download is audited before its first byte.")
            .Produces<string>(StatusCodes.Status200OK, Csv).ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status410Gone);
        return api;
    }

    private static async Task<Results<Ok<ApiPage<ApiList>>, ProblemHttpResult>> ListAsync(
        long id, CampaignStore campaigns, ExportStore exports, IOptions<ExportingOptions> folder, CancellationToken cancellationToken, int? limit = null, int? after = null)
    {
        var (rows, passed) = (ApiQuery.Limit(limit), Math.Max(0, after ?? 0));
        if (await campaigns.FindAsync(id, cancellationToken) is null)
        {
            return ApiProblem.NotFound($"campaign {id}");
        }
        // Lists are only ever added behind the last day: their place in the order stays.
        var lists = (await exports.ListsAsync(id, cancellationToken)).Skip(passed).ToList();
        return TypedResults.Ok(new ApiPage<ApiList>(
            [.. lists.Take(rows).Select(list => ApiList.Of(list, File.Exists(PathOf(list, folder.Value))))], lists.Count > rows ? passed + rows : null));
    }

    private static async Task<IResult> DownloadAsync(
        long id, string date, string arm, string channel, HttpContext context, ExportStore exports, IOptions<ExportingOptions> folder, AuditLog audit, CancellationToken cancellationToken)
    {
        if (!DateOnly.TryParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
        {
            throw new InputException($"\"{date}\" is no day: write it as 2026-12-01.");
        }
        if (arm is not ("a" or "b"))
        {
            throw new InputException($"\"{arm}\" is no arm of a list: choose a or b.");
        }
        if (await exports.FindAsync(id, day, arm == "a" ? 0 : 1, channel, cancellationToken) is not { } list)
        {
            return ApiProblem.NotFound($"list of campaign {id} for {day:yyyy-MM-dd}, arm {arm}, channel {channel}");
        }
        var path = PathOf(list, folder.Value);
        if (!File.Exists(path))
        {
            return ApiProblem.Of(StatusCodes.Status410Gone, "list-removed", "The file is gone", $"The file of this list was removed, or lies on another machine: `pimm export --campaign {id}` writes the same bytes again.");
        }
        await audit.AddAsync(new AuditEntry(
            ApiCaller.Of(context).Actor, "list.download", "list", list.FileName, After: new { campaign = id, list.Rows, sha256 = Convert.ToHexStringLower(list.Sha256) },
            From: context.Connection.RemoteIpAddress?.ToString()), cancellationToken);
        context.Response.Headers["Repr-Digest"] = $"sha-256=:{Convert.ToBase64String(list.Sha256)}:";
        return TypedResults.PhysicalFile(path, $"{Csv}; charset=utf-8", list.FileName, entityTag: new EntityTagHeaderValue(ApiTag.Quote(Convert.ToHexStringLower(list.Sha256))));
    }

    private static string PathOf(ExportedList list, ExportingOptions folder) => Path.GetFullPath(Path.Combine(folder.Folder, list.FileName));
}
