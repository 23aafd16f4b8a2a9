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
/// <param name="Revision">above 1: written anew without customers who were withheld since</param>
/// <param name="Withheld">customers of the wave who may not be contacted</param>
/// <param name="Unlisted">customers of the wave without an identifier that the channel takes</param>
/// <param name="Sha256">of the file, lower-case hexadecimal</param>
/// <param name="Available">false: retention removed the file, or it lies on another machine</param>
/// <param name="Href">where to download it; /manifest, /add and /remove behind it are the files beside it</param>
public sealed record ApiList(
    DateOnly Date, string Arm, string Channel, string FileName, int Revision, long Rows, long Withheld, long Unlisted, long Bytes, string Sha256,
    DateTimeOffset ExportedAt, bool Available, string Href)
{
    private const int Channels = 100;

    public static string ArmName(short arm) => arm == 0 ? "a" : "b";

    public static ApiList Of(ExportedList list, bool available) => new(
        list.WaveDate, ArmName(list.Arm), list.Channel, list.FileName, list.Revision, list.Rows, list.Withheld, list.Unlisted, list.Bytes,
        Convert.ToHexStringLower(list.Sha256), list.ExportedAt, available,
        string.Create(CultureInfo.InvariantCulture, $"{ApiServices.Prefix}/campaigns/{list.CampaignId}/lists/{list.WaveDate:yyyy-MM-dd}/{ArmName(list.Arm)}/{list.Channel}"));

    /// <summary>A list's place in the order of a campaign's lists, whatever lists there are beside it.</summary>
    public static long Place(ExportedList list) => ((list.WaveDate.DayNumber * 2L) + list.Arm) * Channels + Array.IndexOf(Campaign.Channels, list.Channel);
}

/// <summary>Audience lists and their files.</summary>
public static class ListsApi
{
    private const string Csv = "text/csv";

    private static readonly ApiList Example = new(
        new DateOnly(2026, 12, 1), "a", Campaign.GenericCsv, "aud_5f0c1a2b_a_20261201.csv", 1, 1_988, 12, 0, 91_002, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        new DateTimeOffset(2026, 12, 1, 2, 0, 9, TimeSpan.Zero), true, $"{ApiServices.Prefix}/campaigns/7/lists/2026-12-01/a/generic-csv");

    public static RouteGroupBuilder MapListsApi(this RouteGroupBuilder api)
    {
        var lists = api.MapGroup("/campaigns/{id:long}/lists").RequireScope(ApiScopes.ListsRead).WithTags("Lists");
        lists.MapGet("", ListAsync).WithName("listLists").WithSummary("A campaign's audience lists, by day, arm and channel").WithExample(new ApiPage<ApiList>([Example], null));
        lists.MapGet("/{date}/{arm}/{channel}", DownloadAsync).WithName("downloadList").WithSummary("Downloads an audience list")
            .WithDescription("The ETag is the file's SHA-256, and Repr-Digest says it again as RFC 9530 does. Each download is audited before its first byte; 304 is none.")
            .Produces<string>(StatusCodes.Status200OK, Csv).Produces(StatusCodes.Status304NotModified)
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status410Gone);
        lists.MapGet("/{date}/{arm}/{channel}/{part}", DownloadPartAsync).WithName("downloadListPart").WithSummary("Downloads a file beside an audience list")
            .WithDescription("manifest (JSON, names nobody: what the list is, what it was made of, who made it), add or remove (who came and who went since the last export of this arm and channel; audited).")
            .Produces<string>(StatusCodes.Status200OK, Csv).ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status410Gone);
        return api;
    }

    private static async Task<Results<Ok<ApiPage<ApiList>>, ProblemHttpResult>> ListAsync(
        long id, CampaignStore campaigns, ExportStore exports, IOptions<ExportingOptions> folder, CancellationToken cancellationToken, int? limit = null, long? after = null)
    {
        var rows = ApiQuery.Limit(limit);
        if (await campaigns.FindAsync(id, cancellationToken) is null)
        {
            return ApiProblem.NotFound($"campaign {id}");
        }
        var lists = (await exports.ListsAsync(id, cancellationToken)).OrderBy(ApiList.Place).Where(list => after is null || ApiList.Place(list) > after).Take(rows + 1).ToList();
        return TypedResults.Ok(ApiPage<ApiList>.Of(lists, rows, list => ApiList.Of(list, File.Exists(PathOf(list.FileName, folder.Value))), ApiList.Place));
    }

    private static async Task<IResult> DownloadAsync(
        long id, string date, string arm, string channel, HttpContext context, ExportStore exports, IOptions<ExportingOptions> folder, AuditLog audit) =>
        await FindAsync(exports, id, date, arm, channel, context.RequestAborted) is { } list
            ? await SendAsync(context, ApiCaller.Of(context).Actor, audit, folder.Value, list, list.FileName, list.Rows, list.Bytes, Convert.ToHexStringLower(list.Sha256))
            : NoList(id, date, arm, channel);

    private static async Task<IResult> DownloadPartAsync(
        long id, string date, string arm, string channel, string part, HttpContext context, ExportStore exports, IOptions<ExportingOptions> folder, AuditLog audit)
    {
        if (part is not ("manifest" or "add" or "remove"))
        {
            throw new InputException($"\"{part}\" is no file beside a list: choose manifest, add or remove.");
        }
        if (await FindAsync(exports, id, date, arm, channel, context.RequestAborted) is not { } list)
        {
            return NoList(id, date, arm, channel);
        }
        if (part == "manifest" && list.Manifest is { } manifest)
        {
            return TypedResults.Text(manifest, "application/json");
        }
        return (part == "add" ? list.ReadManifest()?.Add : list.ReadManifest()?.Remove) is { } beside
            ? await SendAsync(context, ApiCaller.Of(context).Actor, audit, folder.Value, list, beside.File, beside.Rows, null, beside.Sha256)
            : ApiProblem.NotFound($"{part} beside this list: nothing of the kind was written with it");
    }

    internal static async Task<ExportedList?> FindAsync(ExportStore exports, long id, string date, string arm, string channel, CancellationToken cancellationToken)
    {
        if (!DateOnly.TryParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
        {
            throw new InputException($"\"{date}\" is no day: write it as 2026-12-01.");
        }
        return arm is "a" or "b"
            ? await exports.FindAsync(id, day, arm == "a" ? 0 : 1, channel, cancellationToken)
            : throw new InputException($"\"{arm}\" is no arm of a list: choose a or b.");
    }

    internal static ProblemHttpResult NoList(long id, string date, string arm, string channel) => ApiProblem.NotFound($"list of campaign {id} for {date}, arm {arm}, channel {channel}");

    /// <param name="actor">who takes it, as the audit names them</param>
    /// <param name="bytes">how long it was when it was written; null: not known</param>
    internal static async Task<IResult> SendAsync(
        HttpContext context, string actor, AuditLog audit, ExportingOptions folder, ExportedList list, string file, long rows, long? bytes, string sha256)
    {
        var tag = new EntityTagHeaderValue(ApiTag.Quote(sha256));
        if (context.Request.GetTypedHeaders().IfNoneMatch.Any(known => known.Compare(tag, useStrongComparison: false)))
        {
            context.Response.GetTypedHeaders().ETag = tag;
            return TypedResults.StatusCode(StatusCodes.Status304NotModified);
        }
        // Open before it is measured and audited: what is sent is what was looked at, whoever removes or replaces the name meanwhile.
        if (Open(PathOf(file, folder)) is not { } content)
        {
            return ApiProblem.Of(StatusCodes.Status410Gone, "list-removed", "The file is gone", $"The file was removed, or lies on another machine: `pimm export --campaign {list.CampaignId}` writes the same bytes again.");
        }
        context.Response.RegisterForDisposeAsync(content);
        if (bytes is not null && content.Length != bytes)
        {
            return ApiProblem.Of(StatusCodes.Status409Conflict, "list-changed", "The file is another one", $"The file has {content.Length:N0} bytes and the list {bytes:N0}: it was written anew meanwhile, so ask for the campaign's lists again, or it was altered.");
        }
        await audit.AddAsync(new AuditEntry(
            actor, "list.download", "list", file, After: new { campaign = list.CampaignId, rows, sha256 },
            From: context.Connection.RemoteIpAddress?.ToString()), context.RequestAborted);
        context.Response.Headers["Repr-Digest"] = $"sha-256=:{Convert.ToBase64String(Convert.FromHexString(sha256))}:";
        return TypedResults.File(content, $"{Csv}; charset=utf-8", file, entityTag: tag);
    }

    private static FileStream? Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 64 << 10, FileOptions.Asynchronous | FileOptions.SequentialScan);
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static string PathOf(string file, ExportingOptions folder) => Path.GetFullPath(Path.Combine(folder.Folder, file));
}
