using System.Text.Json;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Core.Outcomes;

/// <summary>What a run of the kind "outcomes" is asked to do.</summary>
/// <param name="Source">who counted the events; an event's id is unique within its source, for ever</param>
/// <param name="Delimiter">null: found</param>
public sealed record OutcomesRequest(long AudienceId, string Path, string Source, double AcceptBadShare = 0.05, string Order = "reject", char? Delimiter = null)
{
    /// <summary>Null: the columns go by their own names.</summary>
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

    internal ImportSource Origin => new(Path, Name, Delimiter ?? Mapping?.Delimiter, Mapping is null ? null : OutcomeColumns.Names(Mapping));

    internal IntakeOptions Options => new(
        Mapping is null ? JsonSerializer.Serialize(new { Source, Order, Delimiter }) : JsonSerializer.Serialize(new { Source, Order, Delimiter, Mapping = Mapping.ToJson() }),
        AcceptBadShare, Mapping, By, ReplayOf);
}

/// <summary>Takes a file of deliveries, funnel labels and customer outcomes in: every event counts once, whichever file brings it.</summary>
public sealed class ImportOutcomes(AudienceStore audiences, OutcomeIntakes intakes, ChunkedImport import, DraftCheck check, UploadStore uploads) : IJob
{
    public const string JobKind = "outcomes";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.ReadArguments<OutcomesRequest>();
        var audience = await audiences.GetAsync(request.AudienceId, cancellationToken);
        var intake = intakes.Of(audience, request);
        if (request.DraftId is { } draft)
        {
            await check.RunAsync(run, intake, request.Origin, draft, cancellationToken);
            return;
        }
        await import.RunAsync(run, intake, request.Origin, cancellationToken);
        if (request.UploadId is { } upload)
        {
            await uploads.RemoveAsync(upload, cancellationToken);
        }
    }
}

/// <summary>What becomes of a file of outcomes.</summary>
public sealed class OutcomeIntakes(StagedOutcomeStore staged, OutcomeStore outcomes)
{
    public FileIntake Of(Audience audience, OutcomesRequest request) =>
        new OutcomeIntake(audience, request.Source, FunnelOrders.Parse(request.Order), request.Options, staged, outcomes);
}

/// <summary>The names under which the columns of an outcome file are read.</summary>
internal static class OutcomeColumns
{
    public static IReadOnlyDictionary<string, string> Names(ImportMapping mapping)
    {
        mapping.Validate(ImportOutcomes.JobKind);
        return mapping.Columns.Where(column => NameOf(column.ParsedRole.Kind) is not null).ToDictionary(column => column.Column, column => NameOf(column.ParsedRole.Kind)!, StringComparer.Ordinal);
    }

    private static string? NameOf(RoleKind role) => role switch
    {
        RoleKind.Event => "event_id",
        RoleKind.EventKind => "kind",
        RoleKind.Key => "customer",
        RoleKind.Campaign => "campaign",
        RoleKind.Wave => "wave",
        RoleKind.Stage => "stage",
        RoleKind.Time => "occurred_at",
        RoleKind.Amount => "amount",
        _ => null,
    };
}
