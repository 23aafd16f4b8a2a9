using Npgsql;
using Pimm.Core.Queueing;

namespace Pimm.Core.Importing;

/// <summary>
/// What a page, the API and the command line ask for. An upload is detected, described by a draft, checked by a run that writes
/// nothing, and applied by another one.
/// </summary>
public sealed class ImportDoor(NpgsqlDataSource database, UploadStore uploads, ImportDraftStore drafts, AudienceStore audiences, JobQueue queue)
{
    /// <summary>Keeps the draft and has its whole file checked.</summary>
    /// <param name="by">as the audit names actors</param>
    /// <returns>the draft's id and the run that checks it</returns>
    /// <exception cref="InputException">no such upload or audience, or a mapping that cannot be meant</exception>
    public async Task<(long DraftId, long RunId)> CheckAsync(DraftRequest request, string by, CancellationToken cancellationToken = default)
    {
        request.Mapping.Validate(request.Kind);
        FunnelOrders.Parse(request.Order);
        var upload = await uploads.GetAsync(request.UploadId, cancellationToken);
        if (request.Kind == "outcomes" && (request.AudienceId is null || string.IsNullOrWhiteSpace(request.Source)))
        {
            throw new InputException("Outcomes need the audience they are of and a source, who counted them: give both.");
        }
        if (request.AudienceId is null && string.IsNullOrWhiteSpace(request.AudienceName))
        {
            throw new InputException("The import names no audience: choose one, or give a new one its name.");
        }
        if (request.AudienceId is null && await audiences.FindByNameAsync(request.AudienceName!, cancellationToken) is null)
        {
            NewAudience.Validate(request.AudienceName!, NewAudience.Columns(request.Mapping), request.Funnel);
        }
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var draft = await drafts.AddAsync(connection, request, by);
        var run = await queue.EnqueueAsync(RunOf(request, upload, request.AudienceId ?? 0, by, draft, FormattableString.Invariant($"draft/{draft}/check")), connection);
        await drafts.SetCheckRunAsync(connection, draft, run);
        await transaction.CommitAsync(cancellationToken);
        return (draft, run);
    }

    public Task<ImportDraft> GetAsync(long draftId, CancellationToken cancellationToken = default) => drafts.GetAsync(draftId, cancellationToken);

    /// <summary>Has a checked draft imported; makes its audience where that is new.</summary>
    /// <param name="acceptBadShare">null: the draft's</param>
    /// <returns>the run; of a draft that was applied before: that one's, unless it failed or was cancelled and wrote nothing</returns>
    /// <exception cref="InputException">not checked yet, or refused</exception>
    public async Task<long> ApplyAsync(long draftId, string by, double? acceptBadShare = null, CancellationToken cancellationToken = default)
    {
        var draft = await drafts.GetAsync(draftId, cancellationToken);
        if (draft.ApplyRunId is { } before && (await queue.GetAsync(before, cancellationToken)).State is not (JobStates.Failed or JobStates.Cancelled))
        {
            return before;
        }
        if (draft.Findings is not { Check: not null } findings)
        {
            throw new InputException(draft.Findings?.Refusal ?? $"Draft {draftId} is still being checked: wait for run {draft.CheckRunId}.") { Code = draft.Findings?.Code };
        }
        var request = draft.Request with { AcceptBadShare = acceptBadShare ?? draft.Request.AcceptBadShare };
        var upload = await uploads.GetAsync(request.UploadId, cancellationToken);
        var audience = request.AudienceId ?? await AudienceOfAsync(request.AudienceName!, request.Mapping, request.Funnel, cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var run = await queue.EnqueueAsync(RunOf(request, upload, audience, by, null, FormattableString.Invariant($"draft/{draftId}/apply{(draft.ApplyRunId is { } failed ? $"/after/{failed}" : "")}")), connection);
        await drafts.ApplyAsync(connection, draftId, run, by, draft.ApplyRunId);
        await transaction.CommitAsync(cancellationToken);
        return run;
    }

    /// <summary>The audience of this name, made of the mapping where there is none.</summary>
    public async Task<long> AudienceOfAsync(string name, ImportMapping mapping, IReadOnlyList<string> funnel, CancellationToken cancellationToken = default)
    {
        if (await audiences.FindByNameAsync(name, cancellationToken) is { } known)
        {
            return known.Id;
        }
        return await audiences.CreateAsync(name, NewAudience.KeyColumn(mapping), NewAudience.Columns(mapping), [.. funnel], cancellationToken: cancellationToken);
    }

    private JobRequest RunOf(DraftRequest request, Upload upload, long audience, string by, long? draft, string key)
    {
        var path = uploads.PathOf(upload);
        // The stage of outcomes is behind this one: its request is known by its names alone.
        return request.Kind == "outcomes"
            ? new JobRequest("outcomes", key, new
            {
                AudienceId = audience, Path = path, request.Source, request.AcceptBadShare, request.Order, request.Mapping, Name = upload.FileName, By = by,
                UploadId = upload.Id, DraftId = draft, request.ReplayOf,
            })
            : new JobRequest(ImportFile.JobKind, key, new ImportRequest(audience, request.Kind, path, request.AcceptBadShare, request.Order)
            {
                Mapping = request.Mapping, Name = upload.FileName, By = by, ReplayOf = request.ReplayOf, UploadId = upload.Id, DraftId = draft,
            });
    }
}
