using System.Text.Json;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Core.Outcomes;

/// <summary>What a run of the kind "outcomes" is asked to do.</summary>
/// <param name="Source">who counted the events; an event's id is unique within its source, for ever</param>
/// <param name="Delimiter">null: found</param>
public sealed record OutcomesRequest(long AudienceId, string Path, string Source, double AcceptBadShare = 0.05, string Order = "reject", char? Delimiter = null);

/// <summary>Takes a file of deliveries, funnel labels and customer outcomes in: every event counts once, whichever file brings it.</summary>
public sealed class ImportOutcomes(AudienceStore audiences, StagedOutcomeStore staged, OutcomeStore outcomes, ChunkedImport import) : IJob
{
    public const string JobKind = "outcomes";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.ReadArguments<OutcomesRequest>();
        var audience = await audiences.GetAsync(request.AudienceId, cancellationToken);
        var settings = JsonSerializer.Serialize(new { request.Source, request.Order, request.Delimiter });
        var intake = new OutcomeIntake(audience, request.Source, FunnelOrders.Parse(request.Order), settings, request.AcceptBadShare, staged, outcomes);
        await import.RunAsync(run, intake, request.Path, request.Delimiter, cancellationToken);
    }
}
