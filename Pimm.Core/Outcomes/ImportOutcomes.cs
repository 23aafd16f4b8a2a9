using Npgsql;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Core.Outcomes;

/// <summary>What a run of the kind "outcomes" is asked to do.</summary>
/// <param name="Source">who counted the events; an event's id is unique within its source, for ever</param>
/// <param name="Delimiter">null: found</param>
public sealed record OutcomesRequest(long AudienceId, string Path, string Source, double AcceptBadShare = 0.05, string Order = "reject", char? Delimiter = null);

/// <summary>Takes a file of deliveries, funnel labels and customer outcomes in: every event counts once, whichever file brings it.</summary>
public sealed class ImportOutcomes(AudienceStore audiences, ImportStore imports, OutcomeStore outcomes) : IJob
{
    public const string JobKind = "outcomes";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.ReadArguments<OutcomesRequest>();
        var audience = await audiences.GetAsync(request.AudienceId, cancellationToken);
        var sha256 = await ImportFile.HashAsync(request.Path, cancellationToken);
        if (await imports.FindSameAsync(audience.Id, JobKind, sha256, cancellationToken) is { } same)
        {
            await run.CompleteAsync(ImportResult.Of(same), null, cancellationToken);
            return;
        }
        using var file = DelimitedReader.Open(request.Path, request.Delimiter);
        var result = new ImportResult();
        await run.CompleteAsync(result, connection => ApplyAsync(connection, run, request, audience, file, sha256, result, cancellationToken), cancellationToken);
    }

    private async Task ApplyAsync(
        NpgsqlConnection connection, JobExecution run, OutcomesRequest request, Audience audience, DelimitedReader file, byte[] sha256,
        ImportResult result, CancellationToken cancellationToken)
    {
        var order = FunnelOrders.Parse(request.Order);
        var rows = new OutcomeRows(audience, file);
        var problems = new List<ImportProblem>();
        var id = await imports.BeginAsync(connection, audience.Id, JobKind, file.Source, sha256, run.RunId);
        await outcomes.BeginStagingAsync(connection);
        await rows.CopyAsync(connection, problems, run, cancellationToken);
        problems.AddRange(await outcomes.TakeOutProblemsAsync(connection, audience, id, order));
        ImportFile.RefuseTooManyBad(file, problems, request.AcceptBadShare);

        var skipped = await outcomes.LandAsync(connection, audience.Id, request.Source, id, order);
        var counts = new ImportCounts(file.Rows, file.Rows - problems.Count - skipped, 0, skipped, problems.Count);
        await imports.FinishAsync(connection, id, counts, problems);
        (result.ImportFileId, result.Counts) = (id, counts);
    }
}
