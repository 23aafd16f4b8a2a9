using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pimm.Core.Outcomes;

/// <summary>An event that came over HTTP and can be read; whether it can be believed the tables decide.</summary>
/// <param name="Index">place in its batch, from 0</param>
/// <param name="Raw">its JSON, as it was sent</param>
/// <param name="EventId">null: the sender gave none</param>
/// <param name="Stage">name in the audience's funnel</param>
/// <param name="Amount">null: none was given</param>
/// <param name="Corrects">event_id of the outcome that this one corrects</param>
/// <param name="Void">takes the corrected outcome back</param>
internal sealed record OutcomeEvent(
    int Index, ReadOnlyMemory<byte> Raw, string? EventId, OutcomeKind Kind, Guid Customer, long? Campaign, DateOnly? Wave, string? Stage,
    DateTimeOffset OccurredAt, double? Amount, string? Currency, string? Corrects, bool Void);

/// <summary>An event whose audience is known.</summary>
/// <param name="Stage">position in the audience's funnel, from 1; of a funnel label only</param>
internal sealed record PlacedEvent(OutcomeEvent Event, long AudienceId, short? Stage, string EventId)
{
    public bool IsWeak => Event.EventId is null;
}

/// <summary>An event that was put aside.</summary>
/// <param name="Index">place in its batch, from 0</param>
/// <param name="Code">stable word for filters</param>
/// <param name="Field">what is wrong; null where the whole event is meant</param>
/// <param name="Message">what is wrong, the bound, what to do; repeats no value, for an event may hold anything</param>
public sealed record EventProblem(int Index, string Code, string? Field, string Message);

/// <summary>An event that was put aside, with what could be read of it.</summary>
/// <param name="Raw">its text, as it was sent</param>
/// <param name="EventId">null: none that can be read</param>
internal sealed record RefusedEvent(
    EventProblem Problem, ReadOnlyMemory<byte> Raw, string? EventId, DateTimeOffset? OccurredAt, long? CampaignId, Guid? Customer = null, long? AudienceId = null)
{
    public static RefusedEvent Of(OutcomeEvent said, EventProblem problem) =>
        new(problem, said.Raw, said.EventId, said.OccurredAt, said.Campaign, said.Customer);

    public static RefusedEvent Of(PlacedEvent row, EventProblem problem) =>
        Of(row.Event, problem) with { EventId = row.EventId, AudienceId = row.AudienceId };

    /// <summary>By which it is found again, whoever sends it again.</summary>
    public string Identity => EventId ?? WeakId.OfText(Raw.Span);
}

/// <summary>Identity of events whose sender gives them none: two events that say the same are one.</summary>
internal static class WeakId
{
    /// <summary>No sender's own id may begin with it.</summary>
    public const string Prefix = "weak:";

    /// <summary>
    /// SHA-256 of kind, customer, what it belongs to, time at the microsecond, amount, currency, source. A customer outcome belongs
    /// to the audience: the same purchase reported under two campaigns is one.
    /// </summary>
    public static string Of(OutcomeEvent said, long audienceId, string source)
    {
        var belongs = said.Kind == OutcomeKind.Outcome
            ? string.Create(CultureInfo.InvariantCulture, $"audience {audienceId}")
            : string.Create(CultureInfo.InvariantCulture, $"campaign {said.Campaign} {said.Wave:yyyy-MM-dd} {said.Stage}");
        var text = string.Create(CultureInfo.InvariantCulture,
            $"{(byte)said.Kind}\n{said.Customer:D}\n{belongs}\n{said.OccurredAt.UtcTicks / TimeSpan.TicksPerMicrosecond}\n{said.Amount:R}\n{said.Currency}\n{said.Corrects}\n{said.Void}\n{source}");
        return OfText(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>Of an event that cannot be read: its text.</summary>
    public static string OfText(ReadOnlySpan<byte> text) => Prefix + Convert.ToHexStringLower(SHA256.HashData(text));
}
