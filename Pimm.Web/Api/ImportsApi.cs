using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.HttpResults;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Web.Importing;

namespace Pimm.Web.Api;

/// <summary>A file that was sent, what reading it found, and what became of it.</summary>
/// <param name="Kind">customers, history or outcomes</param>
/// <param name="State">checking, checked (waits for apply), refused, applying, applied or failed</param>
/// <param name="Check">what an import would say of it; null until the whole file was read</param>
/// <param name="Refusal">why the file cannot be imported, or the run failed; one sentence</param>
/// <param name="Mapping">what each column was taken for: a mapping that was saved for this header, or one by names and values</param>
/// <param name="Result">what the import counted: received = created + updated + skipped + quarantined; null before it is applied</param>
public sealed record ApiImport(
    long Id, string Kind, string State, long? CheckRunId, long? ApplyRunId, ApiImportCheck? Check, string? Code, string? Refusal, ImportMapping Mapping, JsonNode? Result);

/// <param name="Good">rows that would be created or update</param>
/// <param name="Created">of the good rows, customers whom the audience's newest version does not have; null: of customers alone it can be told beforehand</param>
/// <param name="Updated">likewise, customers whom it has</param>
/// <param name="Codes">how often each reason was given</param>
/// <param name="Problems">the first rows that would be put aside; their content is not shown</param>
public sealed record ApiImportCheck(
    long Received, long Good, long? Created, long? Updated, long Skipped, long Quarantined, long Warnings, IReadOnlyDictionary<string, long> Codes, IReadOnlyList<ApiImportProblem> Problems, IReadOnlyList<string> Unmapped)
{
    public static ApiImportCheck Of(ImportCheck check) => new(
        check.Received, check.Good, check.Created, check.Updated, check.Skipped, check.Quarantined, check.Warnings, check.Codes,
        [.. check.Problems.Select(problem => new ApiImportProblem(problem.Line, problem.Column, problem.Code))], check.Unmapped);
}

public sealed record ApiImportProblem(long Line, string? Column, string Code);

/// <param name="AcceptBadShare">largest share of bad rows that is accepted, 0 to 1; 0.05 where it is not given</param>
public sealed record ApiImportApply(double? AcceptBadShare = null);

/// <summary>Files by the same door as the page's: sent, checked whole, applied when somebody says so.</summary>
public static class ImportsApi
{
    private static readonly ApiImport Example = new(
        12, "customers", "checked", 90, null, new ApiImportCheck(120_000, 119_988, 1_988, 118_000, 0, 12, 3, new Dictionary<string, long> { ["bad_key"] = 12 }, [new ApiImportProblem(17, "customer_id", "bad_key")], []),
        null, null, new ImportMapping { Columns = [new ColumnMapping("customer_id", "key"), new ColumnMapping("age", "feature")] }, null);

    public static RouteGroupBuilder MapImportsApi(this RouteGroupBuilder api)
    {
        var imports = api.MapGroup("/imports").RequireScope(ApiScopes.ImportsWrite).WithTags("Imports");
        imports.MapPost("", SendAsync).WithName("sendImport").WithSummary("Sends a file to import")
            .WithDescription("The body is the file itself, as large as Importing:MaximumUploadBytes allows. It is read whole by a run that writes nothing; look at the import until it is checked, then apply it.")
            .Accepts<Stream>("text/csv", "application/gzip", "application/octet-stream").WithExample(Example with { State = "checking", Check = null })
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge);
        imports.MapGet("/{id:long}", OneAsync).WithName("getImport").WithSummary("An import: what reading the file found, what became of it").WithExample(Example);
        imports.MapPost("/{id:long}/apply", ApplyAsync).WithName("applyImport").WithSummary("Imports a file that was checked")
            .WithDescription("Applying twice is applying once.").WithExample(Example with { State = "applying", ApplyRunId = 91 }, new ApiImportApply(0.05));
        return api;
    }

    private static async Task<Results<Accepted<ApiImport>, ProblemHttpResult>> SendAsync(
        HttpContext context, UploadReception reception, AudienceStore audiences, ImportDoor door, JobQueue queue, string kind, string audience, string? name = null)
    {
        try
        {
            var (caller, known) = (ApiCaller.Of(context), await audiences.FindByNameAsync(audience, context.RequestAborted));
            var sent = await reception.TakeAsync(context, kind, known?.Id, name ?? "upload", caller.Actor);
            if (sent.Detection is not { } detection)
            {
                return ApiProblem.WrongInput(new InputException(sent.Refusal!) { Code = sent.Code });
            }
            // Another source's events cannot be told, as over /outcomes.
            var request = new DraftRequest(kind, sent.UploadId, detection.Proposed) { AudienceId = known?.Id, AudienceName = audience, Source = caller.Name };
            var (draft, _) = await door.CheckAsync(request, caller.Actor, context.RequestAborted);
            return TypedResults.Accepted($"{ApiServices.Prefix}/imports/{draft}", await ReadAsync(await door.GetAsync(draft, context.RequestAborted), queue, context.RequestAborted));
        }
        catch (InputException refused) when (refused.Code == ImportCode.UploadTooLarge)
        {
            // What was not read of the body is not waited for.
            context.Response.Headers.Connection = "close";
            return ApiProblem.WrongInput(refused, StatusCodes.Status413PayloadTooLarge);
        }
    }

    private static async Task<Results<Ok<ApiImport>, ProblemHttpResult>> OneAsync(
        long id, HttpContext context, ImportDraftStore drafts, ApiKeyStore keys, JobQueue queue, CancellationToken cancellationToken) =>
        await FindOwnAsync(id, context, drafts, keys, cancellationToken) is { } draft ? TypedResults.Ok(await ReadAsync(draft, queue, cancellationToken)) : ApiProblem.NotFound($"import {id}");

    private static async Task<Results<Accepted<ApiImport>, ProblemHttpResult>> ApplyAsync(
        long id, ApiImportApply? wish, HttpContext context, ImportDraftStore drafts, ApiKeyStore keys, ImportDoor door, JobQueue queue, CancellationToken cancellationToken)
    {
        if (await FindOwnAsync(id, context, drafts, keys, cancellationToken) is null)
        {
            return ApiProblem.NotFound($"import {id}");
        }
        if (wish?.AcceptBadShare is { } share && !(share is >= 0 and <= 1))
        {
            throw new InputException(FormattableString.Invariant($"acceptBadShare is {share}: give a share from 0 to 1."));
        }
        await door.ApplyAsync(id, ApiCaller.Of(context).Actor, wish?.AcceptBadShare, cancellationToken);
        return TypedResults.Accepted($"{ApiServices.Prefix}/imports/{id}", await ReadAsync(await door.GetAsync(id, cancellationToken), queue, cancellationToken));
    }

    /// <summary>Of this key, or of another one of its name: one of them replaces the other. What others sent is not there.</summary>
    private static async Task<ImportDraft?> FindOwnAsync(long id, HttpContext context, ImportDraftStore drafts, ApiKeyStore keys, CancellationToken cancellationToken)
    {
        var caller = ApiCaller.Of(context);
        return await drafts.FindAsync(id, cancellationToken) is { } draft
            && (draft.CreatedBy == caller.Actor || (AuditActor.PrefixOf(draft.CreatedBy) is { } prefix && (await keys.FindAsync(prefix, cancellationToken))?.Name == caller.Name))
                ? draft : null;
    }

    private static async Task<ApiImport> ReadAsync(ImportDraft draft, JobQueue queue, CancellationToken cancellationToken)
    {
        var run = (draft.ApplyRunId ?? draft.CheckRunId) is { } id ? await queue.FindAsync(id, cancellationToken) : null;
        return new ApiImport(
            draft.Id, draft.Request.Kind, State(draft, run), draft.CheckRunId, draft.ApplyRunId, draft.Findings?.Check is { } check ? ApiImportCheck.Of(check) : null,
            draft.Findings?.Code, draft.Findings?.Refusal ?? run?.ErrorSentence, draft.Request.Mapping,
            draft.ApplyRunId is not null && run?.Result is { } result ? JsonNode.Parse(result) : null);
    }

    private static string State(ImportDraft draft, JobRun? run) => (draft, run) switch
    {
        (_, { State: JobStates.Failed or JobStates.Cancelled }) => "failed",
        ({ ApplyRunId: not null }, { IsFinished: false }) => "applying",
        ({ ApplyRunId: not null }, _) => "applied",
        ({ Findings.Refusal: not null }, _) => "refused",
        ({ Findings: not null }, _) => "checked",
        _ => "checking",
    };
}
