using System.ComponentModel;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Options;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;

namespace Pimm.Web.Api;

/// <summary>Deliveries, funnel labels and customer outcomes from other systems, counted once however often they are sent.</summary>
public static class OutcomesApi
{
    public const string Lines = "application/x-ndjson";

    private const string Document = "application/json";
    private const string KeyHeader = "Idempotency-Key";
    private const int LongestKey = 255;

    // A sender this slow holds a connection for nothing: a full batch would take a quarter of an hour.
    private static readonly Microsoft.AspNetCore.Server.Kestrel.Core.MinDataRate Slowest = new(bytesPerSecond: 1_024, gracePeriod: TimeSpan.FromSeconds(5));

    public static IServiceCollection AddOutcomesApi(this IServiceCollection services) => services.AddSingleton<BatchGate>();

    public static RouteGroupBuilder MapOutcomesApi(this RouteGroupBuilder api)
    {
        api.MapPost("/outcomes", PostAsync).RequireScope(ApiScopes.OutcomesWrite).WithTags("Outcomes").WithName("sendOutcomes").WithExample(ExampleAnswer, ExampleBatch)
            .WithSummary("Takes a batch of up to 2,000 events in")
            .WithDescription(
                "The body is {\"events\": […]} as application/json, or one event a line as application/x-ndjson, of at most 1 MiB. "
                + "The header Idempotency-Key is required: the same request with the same key is answered again, without effect and with Idempotency-Replayed: true, for 7 days.")
            .Accepts<EventDocument>(Document, Lines)
            .Produces<BatchAnswer>()
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status413PayloadTooLarge)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity).ProducesProblem(StatusCodes.Status429TooManyRequests).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        return api;
    }

    private static async Task<IResult> PostAsync(
        HttpContext context, AudienceStore audiences, TakeOutcomes outcomes, BatchGate gate,
        [FromHeader(Name = KeyHeader), Description("1 to 255 printable characters of ASCII, one of its own for each batch, the same one when it is sent again; required")] string? key,
        [Description("reject (default) or cascade-up: a later stage of the funnel without the one before it is put aside, or believed")] string? order,
        [Description("true: one event that cannot be used refuses the whole batch, and nothing is stored; default false")] bool? atomic,
        [Description("number of the audience of outcomes that name no campaign")] long? audience, CancellationToken cancellationToken)
    {
        if (key is not { Length: > 0 and <= LongestKey } || context.Request.Headers[KeyHeader].Count > 1 || key.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            return ApiProblem.WrongInput($"The request needs one header {KeyHeader} of 1 to {LongestKey} printable characters of ASCII: give each batch one of its own, and the same one when it is sent again.",
                [new ApiFieldError(KeyHeader, "is missing, repeated, too long or has other characters")]);
        }
        var rule = order is null or "reject" ? FunnelOrder.Reject : order == "cascade-up" ? FunnelOrder.CascadeUp
            : throw new InputException($"order is {order}: choose reject or cascade-up.");
        var home = audience is { } id ? await audiences.GetAsync(id, cancellationToken) : null;
        var body = await ReadAsync(context, cancellationToken);
        var events = IsLines(context.Request) ? EventBody.OfLines(body) : EventBody.OfDocument(body);
        if (events.Count is 0 or > OutcomeBatch.MostEvents)
        {
            return ApiProblem.Of(StatusCodes.Status422UnprocessableEntity, "batch-size", "The batch has no events, or too many",
                $"The batch has {events.Count:N0} events: send 1 to {OutcomeBatch.MostEvents:N0}.");
        }
        var caller = ApiCaller.Of(context);
        using var turn = await gate.EnterAsync(cancellationToken);
        if (!turn.IsAcquired)
        {
            return NotNow(context, StatusCodes.Status429TooManyRequests, "too-many-batches", "Too many batches", "More batches are waiting than this server takes: try again in 1 s.");
        }
        var taken = await outcomes.RunAsync(
            new OutcomeBatch(caller.Name, events, rule, atomic == true, home), new RequestIdentity(caller.Name, key, Hash(context.Request, body)), cancellationToken);
        return Answer(context, taken);
    }

    private static IResult Answer(HttpContext context, TakenRequest taken)
    {
        switch (taken.State)
        {
            case RequestState.InFlight:
                return NotNow(context, StatusCodes.Status409Conflict, "in-flight", "The same request is being worked on", $"A request with this {KeyHeader} is being worked on: try again in 1 s.");
            case RequestState.OtherRequest:
                return ApiProblem.Of(StatusCodes.Status422UnprocessableEntity, "key-used", "The key belongs to another request",
                    $"This {KeyHeader} was used for another request: give this one a key of its own.");
            case RequestState.Refused:
                var answer = taken.Answer!;
                return ApiProblem.Of(StatusCodes.Status422UnprocessableEntity, "batch-refused", "Not all events can be used",
                    $"{answer.Quarantined:N0} of {answer.Received:N0} events cannot be used and the batch is atomic: nothing was stored.",
                    more: [new("received", answer.Received), new("quarantined", answer.Quarantined), new("errors", answer.Errors)]);
            case RequestState.Replayed:
                context.Response.Headers["Idempotency-Replayed"] = "true";
                break;
        }
        return Results.Content(taken.Body, Document, Encoding.UTF8);
    }

    private static IResult NotNow(HttpContext context, int status, string code, string title, string detail)
    {
        context.Response.Headers.RetryAfter = "1";
        return ApiProblem.Of(status, code, title, detail);
    }

    /// <summary>The whole body, which the address's limit keeps small.</summary>
    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (context.Request.Headers.ContentEncoding.Count > 0)
        {
            throw new BadHttpRequestException("The body is compressed: send it as it is.", StatusCodes.Status415UnsupportedMediaType);
        }
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = Slowest;
        }
        var buffer = new MemoryStream((int)Math.Clamp(context.Request.ContentLength ?? 0, 4_096, ApiServices.MostBytes));
        await context.Request.Body.CopyToAsync(buffer, cancellationToken);
        return buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
    }

    private static bool IsLines(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && string.Equals(type.MediaType, Lines, StringComparison.OrdinalIgnoreCase);

    /// <summary>Of everything that decides what happens: the parameters, the form of the body, the body.</summary>
    private static byte[] Hash(HttpRequest request, ReadOnlyMemory<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.QueryString}\n{IsLines(request)}\n"));
        hash.AppendData(body.Span);
        return hash.GetHashAndReset();
    }

    private static BatchAnswer ExampleAnswer { get; } = new(
        3, 2, 0, 1, 0, 0, [new EventProblem(0, "unknown_impression", "customer", "this customer was not on a list of that campaign and wave.")]);

    private static EventDocument ExampleBatch { get; } = new(
    [
        new EventForm("imp-1", "delivered", null, "10023", 7, new DateOnly(2027, 3, 1), null, new DateTimeOffset(2027, 3, 1, 9, 0, 0, TimeSpan.Zero), null, null, null, null),
        new EventForm("sale-1", "outcome", null, "10023", 7, null, null, new DateTimeOffset(2027, 3, 4, 18, 30, 0, TimeSpan.FromHours(8)), 1500, "CNY", null, null),
        new EventForm("refund-1", "outcome", null, "10023", 7, null, null, new DateTimeOffset(2027, 3, 9, 11, 0, 0, TimeSpan.FromHours(8)), null, null, "sale-1", true),
    ]);

    /// <summary>The form of a batch, for the API's document; the reader takes it apart itself, so that one bad event spoils no other.</summary>
    public sealed record EventDocument(IReadOnlyList<EventForm> Events);

    /// <param name="EventId">1 to 255 characters, unique for ever within the key's name; without one the event counts as what it says</param>
    /// <param name="Kind">delivered, funnel or outcome</param>
    /// <param name="Customer">the customer's pseudonymous key; either this or customer_ref</param>
    /// <param name="CustomerRef">the key in the customer file; it is hashed at once</param>
    /// <param name="Campaign">of a delivered impression or a funnel label; of an outcome it names the audience</param>
    /// <param name="Wave">day of the wave; of a delivered impression or a funnel label</param>
    /// <param name="Stage">of a funnel label</param>
    /// <param name="OccurredAt">RFC 3339 with its offset</param>
    /// <param name="Amount">between -1e12 and 1e12</param>
    /// <param name="Currency">three capital letters</param>
    /// <param name="Corrects">event_id of an outcome of the same source and customer: its amount becomes this event's, or it is void</param>
    /// <param name="Void">true: the outcome that corrects names did not happen</param>
    public sealed record EventForm(
        [property: JsonPropertyName("event_id")] string? EventId, string Kind, Guid? Customer, [property: JsonPropertyName("customer_ref")] string? CustomerRef,
        long? Campaign, DateOnly? Wave, string? Stage, [property: JsonPropertyName("occurred_at")] DateTimeOffset OccurredAt,
        double? Amount, string? Currency, string? Corrects, bool? Void);
}

/// <summary>How many batches this process stores at once, and how many wait for it.</summary>
public sealed class BatchGate : IDisposable
{
    private readonly ConcurrencyLimiter limiter;

    public BatchGate(IOptions<OutcomesOptions> options)
    {
        options.Value.Validate();
        limiter = new ConcurrencyLimiter(new ConcurrencyLimiterOptions { PermitLimit = options.Value.BatchesAtOnce, QueueLimit = options.Value.WaitingBatches });
    }

    public ValueTask<RateLimitLease> EnterAsync(CancellationToken cancellationToken) => limiter.AcquireAsync(1, cancellationToken);

    public void Dispose() => limiter.Dispose();
}
