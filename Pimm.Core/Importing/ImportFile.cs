using System.Text.Json;
using Pimm.Core.Queueing;

namespace Pimm.Core.Importing;

/// <summary>What a run of the kind "import" is asked to do.</summary>
/// <param name="Kind">customers or history</param>
/// <param name="AcceptBadShare">more bad rows than this stop the import with nothing applied, 0 to 1</param>
/// <param name="Order">reject, cascade-up or cascade-down, for funnel labels of history</param>
/// <param name="Delimiter">null: found</param>
public sealed record ImportRequest(long AudienceId, string Kind, string Path, double AcceptBadShare = 0.05, string Order = "reject", char? Delimiter = null);

/// <summary>Takes a file of customers or history into an audience's typed tables: all of its good rows or, when too many are bad, none.</summary>
public sealed class ImportFile(AudienceStore audiences, ImportStore imports, ChunkedImport import) : IJob
{
    public const string JobKind = "import";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.ReadArguments<ImportRequest>();
        var audience = await audiences.GetAsync(request.AudienceId, cancellationToken);
        var settings = JsonSerializer.Serialize(new { request.Order, request.Delimiter });
        FileIntake intake = request.Kind switch
        {
            "customers" => new CustomerIntake(audience, settings, request.AcceptBadShare, imports),
            "history" => new HistoryIntake(audience, FunnelOrders.Parse(request.Order), settings, request.AcceptBadShare),
            _ => throw new InputException($"Files of the kind \"{request.Kind}\" are unknown: import customers, history or outcomes."),
        };
        await import.RunAsync(run, intake, request.Path, request.Delimiter, cancellationToken);
    }
}
