using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pimm.Core.Importing;
using Pimm.Core.Statistics;

namespace Pimm.Core.Outcomes;

/// <summary>One event's JSON, field by field. What is wrong is said without a value: an event may hold anything.</summary>
internal sealed partial class EventReader(int index, ReadOnlyMemory<byte> raw)
{
    /// <summary>Beyond it sums of amounts lose what they count.</summary>
    public const double MostAmount = 1e12;

    private const int LongestId = 255;

    private string? _id, _kind, _customer, _reference, _wave, _stage, _time, _currency, _corrects;
    private long? _campaign;
    private double? _amount;
    private bool _void;

    /// <summary>The event, or what is wrong with it; exactly one of them is null.</summary>
    public static (OutcomeEvent? Event, RefusedEvent? Refused) Read(int index, ReadOnlyMemory<byte> raw)
    {
        var reader = new EventReader(index, raw);
        EventProblem? problem;
        try
        {
            problem = reader.Fill();
            if (problem is null && reader.Check(out problem) is { } read)
            {
                return (read, null);
            }
        }
        catch (JsonException)
        {
            problem = reader.Problem("bad_json", null, "the event is no JSON; send one object.");
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, or bytes that are no UTF-8.
            problem = reader.Problem("bad_text", null, "the event has a text that is no valid Unicode; send UTF-8.");
        }
        return (null, reader.Refuse(problem!));
    }

    private RefusedEvent Refuse(EventProblem problem)
    {
        var time = default(DateTimeOffset);
        var timed = _time is not null && InstantText.TryParse(Encoding.UTF8.GetBytes(_time), out time);
        // Whatever else is wrong: of a person who was erased nothing is kept.
        Guid? customer = CheckCustomer(out var read) is null ? read : null;
        return new RefusedEvent(problem, raw, _id is not null && CheckId() is null ? _id : null, timed ? time : null, _campaign, customer);
    }

    // What follows a bad field is read all the same: the event is found again by its id.
    private EventProblem? Fill()
    {
        var json = new Utf8JsonReader(raw.Span, EventBody.Json);
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
        {
            return Problem("bad_json", null, "the event is no JSON object; send one with kind, customer and occurred_at.");
        }
        EventProblem? problem = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var field = json.GetString()!;
            json.Read();
            var wrong = json.TokenType == JsonTokenType.Null ? null : Take(field, ref json);
            problem ??= wrong;
            json.Skip();
        }
        json.Read();
        return problem;
    }

    private EventProblem? Take(string field, ref Utf8JsonReader json) => field switch
    {
        "event_id" => TakeText(field, ref json, out _id),
        "kind" => TakeText(field, ref json, out _kind),
        "customer" => TakeText(field, ref json, out _customer),
        "customer_ref" => TakeText(field, ref json, out _reference),
        "wave" => TakeText(field, ref json, out _wave),
        "stage" => TakeText(field, ref json, out _stage),
        "occurred_at" => TakeText(field, ref json, out _time),
        "currency" => TakeText(field, ref json, out _currency),
        "corrects" => TakeText(field, ref json, out _corrects),
        "campaign" => TakeCampaign(ref json),
        "amount" => TakeAmount(ref json),
        "void" => TakeVoid(ref json),
        // A misspelt "void" that was passed over would count what was taken back.
        _ => Problem("unknown_field", null, "the event has a field that none of event_id, kind, customer, customer_ref, campaign, wave, stage, occurred_at, amount, currency, corrects, void names; leave it out."),
    };

    private EventProblem? TakeText(string field, ref Utf8JsonReader json, out string? text)
    {
        text = json.TokenType == JsonTokenType.String && json.GetString() is { } given && !given.AsSpan().ContainsAnyInRange('\0', '\x1f') ? given : null;
        return text is not null
            ? null
            : Problem("bad_text", field, $"{field} is no text without control characters; write it as a JSON string.");
    }

    private EventProblem? TakeCampaign(ref Utf8JsonReader json)
    {
        _campaign = json.TokenType == JsonTokenType.Number && json.TryGetInt64(out var number) && number > 0 ? number : null;
        return _campaign is null ? Problem("bad_campaign", "campaign", "campaign is no campaign's number; write it as a whole JSON number.") : null;
    }

    private EventProblem? TakeAmount(ref Utf8JsonReader json)
    {
        _amount = json.TokenType == JsonTokenType.Number && json.TryGetDouble(out var number) && Math.Abs(number) <= MostAmount ? number + 0.0 : null;
        return _amount is null ? Problem(ImportCode.BadNumber, "amount", "amount is no JSON number between -1e12 and 1e12; write it as 1234.56.") : null;
    }

    private EventProblem? TakeVoid(ref Utf8JsonReader json)
    {
        _void = json.TokenType == JsonTokenType.True;
        return _void || json.TokenType == JsonTokenType.False ? null : Problem("bad_correction", "void", "void is neither true nor false.");
    }

    private OutcomeEvent? Check(out EventProblem? problem)
    {
        var kind = _kind switch { "delivered" => OutcomeKind.Delivered, "funnel" => OutcomeKind.Funnel, "outcome" => OutcomeKind.Outcome, _ => (OutcomeKind)0 };
        var (time, wave, customer) = (default(DateTimeOffset), default(DateOnly), default(Guid));
        problem = CheckId()
            ?? (kind == 0 ? Problem("bad_kind", "kind", "the kind is none of delivered, funnel and outcome; give one of them.") : null)
            ?? CheckCustomer(out customer)
            ?? (_time is not null && InstantText.TryParse(Encoding.UTF8.GetBytes(_time), out time) ? null : Problem(ImportCode.BadTime, "occurred_at", $"occurred_at is no instant; {InstantText.Expected}"))
            ?? CheckImpression(kind, out wave)
            ?? (_currency is null || Currency().IsMatch(_currency) ? null : Problem("bad_currency", "currency", "the currency is no code of three capital letters, as EUR."))
            ?? CheckCorrection(kind);
        return problem is not null ? null : new OutcomeEvent(
            index, raw, _id, kind, customer, _campaign, kind == OutcomeKind.Outcome ? null : wave, kind == OutcomeKind.Funnel ? _stage : null,
            time, _amount, _currency, _corrects, _void);
    }

    private EventProblem? CheckId() => _id is null || (_id.Length is > 0 and <= LongestId && !_id.StartsWith(WeakId.Prefix, StringComparison.Ordinal))
        ? null
        : Problem("bad_event", "event_id", $"event_id has not 1 to 255 characters, or begins with {WeakId.Prefix}; give each event one that is never used again.");

    private EventProblem? CheckCustomer(out Guid customer)
    {
        customer = default;
        if (_customer is null == _reference is null)
        {
            return Problem("bad_key", "customer", "give the customer as either customer or customer_ref.");
        }
        if (_reference is not null)
        {
            customer = CustomerHash.Of(_reference);
            return Reference().IsMatch(_reference) ? null : Problem("bad_key", "customer_ref", "customer_ref is not 1 to 200 letters, digits or . _ : - of ASCII; send the key of the customer file, never an e-mail address.");
        }
        return Guid.TryParseExact(_customer, "D", out customer) ? null : Problem("bad_key", "customer", "customer is no UUID; send the pseudonymous key, or the customer file's key as customer_ref.");
    }

    private EventProblem? CheckImpression(OutcomeKind kind, out DateOnly wave)
    {
        wave = default;
        if (kind == OutcomeKind.Outcome)
        {
            return null;
        }
        if (_campaign is null)
        {
            return Problem("bad_campaign", "campaign", "an event of an impression names its campaign.");
        }
        if (!DateOnly.TryParseExact(_wave, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out wave))
        {
            return Problem("bad_wave", "wave", "the wave is no date; write the wave's day as 2026-03-28.");
        }
        return kind == OutcomeKind.Funnel && _stage is null ? Problem("bad_stage", "stage", "a funnel event names its stage.") : null;
    }

    private EventProblem? CheckCorrection(OutcomeKind kind)
    {
        if (_corrects is null)
        {
            return _void ? Problem("bad_correction", "corrects", "void takes back the event that corrects names; name it.") : null;
        }
        if (kind != OutcomeKind.Outcome)
        {
            return Problem("bad_correction", "corrects", "only events of the kind outcome can be corrected.");
        }
        return _void == _amount is null ? null : Problem("bad_correction", "amount", "a correction has either an amount or \"void\": true.");
    }

    private EventProblem Problem(string code, string? field, string message) => new(index, code, field, message);

    [GeneratedRegex(@"\A[A-Za-z0-9._:-]{1,200}\z")]
    private static partial Regex Reference();

    [GeneratedRegex(@"\A[A-Z]{3}\z")]
    private static partial Regex Currency();
}
