using System.Text.Json;
using Pimm.Core.Queueing;

namespace Pimm.Core.Importing;

/// <summary>What a run of the kind "import" is asked to do.</summary>
/// <param name="Kind">customers or history</param>
/// <param name="AcceptBadShare">more bad rows than this stop the import with nothing applied, 0 to 1</param>
/// <param name="Order">reject, cascade-up or cascade-down, for funnel labels of history</param>
/// <param name="Delimiter">null: found</param>
public sealed record ImportRequest(long AudienceId, string Kind, string Path, double AcceptBadShare = 0.05, string Order = "reject", char? Delimiter = null)
{
    /// <summary>Null: columns go by the audience's own names.</summary>
    public ImportMapping? Mapping { get; init; }

    /// <summary>What sentences and lists call the file; null: the path's last part.</summary>
    public string? Name { get; init; }

    /// <summary>Who asked, as the audit names actors; null: the run.</summary>
    public string? By { get; init; }

    public long? ReplayOf { get; init; }

    /// <summary>Goes when its rows are in.</summary>
    public long? UploadId { get; init; }

    /// <summary>Reads and checks the whole file for this draft and writes nothing else.</summary>
    public long? DraftId { get; init; }

    /// <summary>Reads and checks the whole file and writes nothing; the result is a <see cref="DraftFindings"/>.</summary>
    public bool CheckOnly { get; init; }

    internal ImportSource Source => new(Path, Name, Delimiter ?? Mapping?.Delimiter);

    internal IntakeOptions Options => new(
        Read is null ? JsonSerializer.Serialize(new { Order, Delimiter }) : JsonSerializer.Serialize(new { Order, Delimiter, Mapping = Read.ToJson() }),
        AcceptBadShare, Read, By, ReplayOf);

    // A few mended rows are never the whole audience, whatever was asked for.
    private ImportMapping? Read => ReplayOf is not null && Kind == "customers" && Mapping is { Merges: false } ? Mapping with { Mode = ImportMapping.Merge } : Mapping;
}

/// <summary>Takes a file of customers or history into an audience's typed tables: all of its good rows or, when too many are bad, none.</summary>
public sealed class ImportFile(AudienceStore audiences, AttributeIntakes intakes, ChunkedImport import, DraftCheck check, UploadStore uploads) : IJob
{
    public const string JobKind = "import";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.ReadArguments<ImportRequest>();
        if (request.DraftId is { } draft)
        {
            var planned = await check.AudienceAsync(draft, cancellationToken);
            await check.RunAsync(run, intakes.Of(planned, request), request.Source, draft, cancellationToken);
            return;
        }
        var audience = await audiences.GetAsync(request.AudienceId, cancellationToken);
        if (request.CheckOnly)
        {
            await check.RunAsync(run, intakes.Of(audience, request), request.Source, cancellationToken);
            return;
        }
        await import.RunAsync(run, intakes.Of(audience, request), request.Source, cancellationToken);
        if (request.UploadId is { } upload)
        {
            await uploads.RemoveAsync(upload, cancellationToken);
        }
    }
}

/// <summary>What becomes of a file's rows, by its kind.</summary>
public sealed class AttributeIntakes(ImportStore imports, PersonFactsStore persons)
{
    /// <exception cref="InputException">no such kind</exception>
    public FileIntake Of(Audience audience, ImportRequest request) => request.Kind switch
    {
        "customers" => new CustomerIntake(audience, request.Options, imports, persons),
        "history" => new HistoryIntake(audience, FunnelOrders.Parse(request.Order), request.Options),
        _ => throw new InputException($"Files of the kind \"{request.Kind}\" are unknown: import customers, history or outcomes."),
    };
}
