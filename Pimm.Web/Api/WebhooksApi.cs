using Microsoft.AspNetCore.Http.HttpResults;
using Pimm.Core.Access;
using Pimm.Core.Notifying;

namespace Pimm.Web.Api;

/// <param name="Url">https, of the public Internet; what else is allowed the settings Notifying say</param>
/// <param name="Events">names as in docs/webhooks.md, at least one</param>
public sealed record ApiNewWebhook(string Url, IReadOnlyList<string> Events);

/// <summary>Somebody who is told when something happens.</summary>
/// <param name="Disabled">why it is not told any more; null: it is</param>
/// <param name="Pending">notices that are still to be delivered</param>
/// <param name="Dead">notices that were given up</param>
/// <param name="FormerSecretUntil">the secret before signs beside the new one until then; null: there is one only</param>
/// <param name="Secret">whsec_ and base64, in the answer that creates or rotates it only; null: it is stored sealed and never shown again</param>
public sealed record ApiWebhook(
    long Id, string Url, IReadOnlyList<string> Events, string CreatedBy, DateTimeOffset CreatedAt, string? Disabled, long Pending, long Delivered, long Dead, DateTimeOffset? FormerSecretUntil, string? Secret)
{
    public static ApiWebhook Of(Webhook webhook, string? secret = null) => new(
        webhook.Id, webhook.Url, webhook.Events, webhook.CreatedBy, webhook.CreatedAt, webhook.DisabledReason, webhook.Pending, webhook.Delivered, webhook.Dead, webhook.FormerUntil, secret);
}

/// <summary>Who is told when something happens: docs/webhooks.md says what and how.</summary>
public static class WebhooksApi
{
    private const string ShownSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    private static readonly ApiWebhook Example = new(
        3, "https://hooks.example.com/pimm", ["run.failed", "campaign.wave_published"], "key:Fb3kQ9Za", new DateTimeOffset(2026, 11, 22, 9, 30, 0, TimeSpan.Zero), null, 0, 12, 0, null, null);

    public static RouteGroupBuilder MapWebhooksApi(this RouteGroupBuilder api)
    {
        var webhooks = api.MapGroup("/webhooks").RequireScope(ApiScopes.WebhooksWrite).WithTags("Webhooks");
        webhooks.MapGet("", ListAsync).WithName("listWebhooks").WithSummary("All webhooks, at most 50").WithExample(new ApiPage<ApiWebhook>([Example], null));
        webhooks.MapGet("/{id:long}", OneAsync).WithName("getWebhook").WithSummary("One webhook with how its notices fared").WithExample(Example);
        webhooks.MapPost("", CreateAsync).WithName("createWebhook")
            .WithSummary("Adds a webhook").WithDescription("The answer holds the secret that its notices are signed with, this once.")
            .WithExample(Example with { Pending = 0, Delivered = 0, Secret = ShownSecret }, new ApiNewWebhook(Example.Url, Example.Events));
        webhooks.MapPost("/{id:long}/rotate", RotateAsync).WithName("rotateWebhook").WithSummary("Gives a webhook another secret")
            .WithDescription("The answer holds it, this once. For 24 hours notices carry two signatures, of the new secret and of the one before.")
            .WithExample(Example with { FormerSecretUntil = Example.CreatedAt.AddDays(31), Secret = ShownSecret });
        webhooks.MapDelete("/{id:long}", DeleteAsync).WithName("deleteWebhook").WithSummary("Takes a webhook away, with what is still on its way to it");
        return api;
    }

    private static async Task<Ok<ApiPage<ApiWebhook>>> ListAsync(WebhookStore webhooks, CancellationToken cancellationToken) =>
        TypedResults.Ok(new ApiPage<ApiWebhook>([.. (await webhooks.ListAsync(cancellationToken)).Select(webhook => ApiWebhook.Of(webhook))], null));

    private static async Task<Results<Ok<ApiWebhook>, ProblemHttpResult>> OneAsync(long id, WebhookStore webhooks, CancellationToken cancellationToken) =>
        await webhooks.FindAsync(id, cancellationToken) is { } found ? TypedResults.Ok(ApiWebhook.Of(found)) : ApiProblem.NotFound($"webhook {id}");

    private static async Task<Created<ApiWebhook>> CreateAsync(ApiNewWebhook wanted, HttpContext context, WebhookAdministration webhooks, CancellationToken cancellationToken)
    {
        var added = await webhooks.AddAsync(wanted.Url, wanted.Events, ApiCaller.Of(context).Actor, cancellationToken);
        return TypedResults.Created($"{ApiServices.Prefix}/webhooks/{added.Webhook.Id}", ApiWebhook.Of(added.Webhook, added.Secret));
    }

    private static async Task<Results<Ok<ApiWebhook>, ProblemHttpResult>> RotateAsync(
        long id, HttpContext context, WebhookStore webhooks, WebhookAdministration administration, CancellationToken cancellationToken)
    {
        if (await webhooks.FindAsync(id, cancellationToken) is null)
            return ApiProblem.NotFound($"webhook {id}");
        var rotated = await administration.RotateAsync(id, ApiCaller.Of(context).Actor, cancellationToken);
        return TypedResults.Ok(ApiWebhook.Of(rotated.Webhook, rotated.Secret));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        long id, HttpContext context, WebhookStore webhooks, WebhookAdministration administration, CancellationToken cancellationToken)
    {
        if (await webhooks.FindAsync(id, cancellationToken) is null)
            return ApiProblem.NotFound($"webhook {id}");
        await administration.RemoveAsync(id, ApiCaller.Of(context).Actor, cancellationToken);
        return TypedResults.NoContent();
    }
}
