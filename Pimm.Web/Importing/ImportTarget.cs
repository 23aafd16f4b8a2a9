using Pimm.Core.Importing;

namespace Pimm.Web.Importing;

/// <summary>What a file is and whom it is of, while a person says it.</summary>
public sealed class ImportTarget
{
    public string Kind { get; set; } = "customers";

    /// <summary>Null: a new audience.</summary>
    public long? AudienceId { get; set; }

    public string AudienceName { get; set; } = "";

    /// <summary>Of a new audience: its stages in order, with commas.</summary>
    public string Funnel { get; set; } = "click, conversion, core_conversion";

    public string Source { get; set; } = "";

    /// <summary>What happens to labels out of the funnel's order.</summary>
    public string Order { get; set; } = "reject";

    public long? ReplayOf { get; private set; }

    public IReadOnlyList<string> FunnelStages => Funnel.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>A key of ImportingWords; null when nothing is missing.</summary>
    public string? Problem => Kind == "outcomes"
        ? AudienceId is null ? "Choose the audience that the outcomes are of." : Source.Trim().Length == 0 ? "Say who counted the outcomes: an event's id is unique within its source." : null
        : AudienceId is not null ? null
        : AudienceName.Trim().Length == 0 ? "Name the new audience, or choose one." : FunnelStages.Count == 0 ? "Name at least one stage of the funnel." : null;

    /// <summary>The roles that a column of such a file may have; consents are told apart by their purpose and channel.</summary>
    /// <param name="funnel">the audience's stages, in order</param>
    public IReadOnlyList<string> Roles(IReadOnlyList<string> funnel) => Kind switch
    {
        "customers" =>
        [
            "key", "feature", "protected", "proxy", "arm", "identifier:email", "identifier:phone", "identifier:first-name", "identifier:last-name",
            "identifier:country", "identifier:zip", "identifier:maid", "consent", "consent-time", "consent-source", "ignore",
        ],
        "history" => ["key", "time", .. funnel.Select(stage => $"label:{stage}"), "amount", "targeted", "feature", "protected", "proxy", "arm", "ignore"],
        _ => ["event", "event-kind", "key", "campaign", "wave", "stage", "time", "amount", "ignore"],
    };

    public DraftRequest Request(long upload, ImportMapping mapping) => new(Kind, upload, mapping)
    {
        AudienceId = AudienceId, AudienceName = AudienceId is null ? AudienceName.Trim() : null, Funnel = FunnelStages, Order = Order,
        Source = Kind == "outcomes" ? Source.Trim() : null, ReplayOf = ReplayOf,
    };

    public void Take(DraftRequest request)
    {
        (Kind, AudienceId, AudienceName, Funnel) = (request.Kind, request.AudienceId, request.AudienceName ?? "", string.Join(", ", request.Funnel));
        (Order, Source, ReplayOf) = (request.Order, request.Source ?? "", request.ReplayOf);
    }

    /// <summary>Mended rows go where the others went.</summary>
    public void Take(ImportReport mended) =>
        (Kind, AudienceId, Order, Source, ReplayOf) = (mended.Kind, mended.AudienceId, mended.Order ?? "reject", mended.Source ?? "", mended.Id);
}
