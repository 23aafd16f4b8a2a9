using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Localization;
using Microsoft.Extensions.Options;
using Pimm.Core.Access;
using Pimm.Core;
using Pimm.Core.Auditing;
using Pimm.Core.Importing;
using Pimm.Web.Api;
using Pimm.Web.Security;

namespace Pimm.Web.Importing;

/// <summary>An upload that was taken, and what the file looks like.</summary>
/// <param name="Sha256">of the bytes as they were sent, in hexadecimal</param>
/// <param name="Detection">null where the file cannot be read; then <paramref name="Refusal"/> says why</param>
public sealed record UploadAnswer(long UploadId, string FileName, long Bytes, string Sha256, Detection? Detection, string? Code, string? Refusal);

/// <summary>
/// Files over plain HTTP, never through a circuit: the body is the file, read as it comes. Bad rows go the other way.
/// POST /imports/upload?kind=customers&amp;audience=7&amp;name=people.csv with the header RequestVerificationToken.
/// </summary>
public static class UploadEndpoint
{
    public static IServiceCollection AddUploads(this IServiceCollection services) => services.AddSingleton<UploadReception>();

    public static IEndpointRouteBuilder MapUploads(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/imports/upload", UploadAsync);
        routes.MapGet("/imports/{id:long}/problems.csv", ProblemsAsync);
        return routes;
    }

    private static async Task<IResult> UploadAsync(
        HttpContext context, WorkPermit permit, IAntiforgery antiforgery, UploadReception reception, IStringLocalizer<ImportingWords> L, string? kind, long? audience, string? name)
    {
        // A token in a form would have the whole body read as one.
        if (context.Request.HasFormContentType || !context.Request.Headers.ContainsKey("RequestVerificationToken") || !await antiforgery.IsRequestValidAsync(context))
        {
            return ApiProblem.WrongInput(L["The upload has no valid token: send the page's token in the header RequestVerificationToken, and the file itself as the body, not as a form."]);
        }
        try
        {
            var user = await permit.DemandAsync(context.User, Right.Import);
            return TypedResults.Json(await reception.TakeAsync(context, kind ?? "customers", audience, name ?? "upload", AuditActor.User(user)), statusCode: StatusCodes.Status201Created);
        }
        catch (InputException refused)
        {
            return Problem(context, refused, L);
        }
    }

    private static async Task<IResult> ProblemsAsync(HttpContext context, long id, WorkPermit permit, QuarantineStore quarantine, UploadStore uploads, AuditLog audit, IStringLocalizer<ImportingWords> L)
    {
        // Written whole before its first byte goes out: a file that breaks off would look complete.
        var path = "";
        try
        {
            var user = await permit.DemandAsync(context.User, Right.Import);
            path = uploads.NewDownload();
            var (written, lost) = await quarantine.WriteAsync(id, path, context.RequestAborted);
            await audit.AddAsync(new AuditEntry(AuditActor.User(user), "import.download", "import", $"{id}", After: new { rows = written, notKept = lost },
                From: context.Connection.RemoteIpAddress?.ToString()), context.RequestAborted);
            context.Response.Headers["Pimm-Rows-Not-Kept"] = $"{lost}";
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None, 1 << 16, FileOptions.DeleteOnClose | FileOptions.Asynchronous);
            return TypedResults.File(file, "text/csv; charset=utf-8", $"import-{id}-problems.csv");
        }
        catch (Exception broken)
        {
            if (path.Length > 0)
            {
                File.Delete(path);
            }
            if (broken is InputException refused)
            {
                return Problem(context, refused, L);
            }
            throw;
        }
    }

    private static IResult Problem(HttpContext context, InputException refused, IStringLocalizer<ImportingWords> L)
    {
        var status = refused.Code switch
        {
            ImportCode.UploadTooLarge => StatusCodes.Status413PayloadTooLarge,
            ImportCode.NoFile => StatusCodes.Status404NotFound,
            null => StatusCodes.Status403Forbidden,
            _ => StatusCodes.Status400BadRequest,
        };
        if (status == StatusCodes.Status413PayloadTooLarge)
        {
            // What was not read of the body is not waited for.
            context.Response.Headers.Connection = "close";
        }
        return ApiProblem.Of(status, refused.Code?.Replace('_', '-') ?? "not-allowed", status == StatusCodes.Status403Forbidden ? L["Not allowed"] : L["The file cannot be taken"], refused.Message);
    }
}

/// <summary>Takes a request's body as a file and looks at it: for the page's endpoint and for the API's.</summary>
public sealed class UploadReception(UploadStore uploads, ImportDetector detector, IOptions<ImportingOptions> options)
{
    /// <param name="by">as the audit names actors</param>
    /// <exception cref="InputException">too large, empty, or no such kind</exception>
    public async Task<UploadAnswer> TakeAsync(HttpContext context, string kind, long? audience, string name, string by)
    {
        if (kind is not ("customers" or "history" or "outcomes"))
        {
            throw new InputException($"Files of the kind \"{kind}\" are unknown: send customers, history or outcomes.") { Code = ImportCode.BadMapping };
        }
        if (context.Request.ContentLength is { } announced)
        {
            uploads.RefuseTooLarge(announced);
        }
        // The limit of ours is counted while the body is read.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = null;
        }
        var upload = await uploads.ReceiveAsync(context.Request.Body, name, by, context.RequestAborted);
        var (hash, source) = (Convert.ToHexStringLower(upload.Sha256), new ImportSource(uploads.PathOf(upload), upload.FileName));
        try
        {
            var detection = await detector.DetectAsync(source, kind, audience, options.Value.Unpacking, context.RequestAborted);
            return new UploadAnswer(upload.Id, upload.FileName, upload.Bytes, hash, detection, null, null);
        }
        catch (InputException refused)
        {
            await uploads.RemoveAsync(upload.Id, context.RequestAborted);
            return new UploadAnswer(upload.Id, upload.FileName, upload.Bytes, hash, null, refused.Code, refused.Message);
        }
    }
}
