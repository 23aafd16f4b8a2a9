using System.CommandLine;
using System.Globalization;
using Pimm.Core;
using Pimm.Core.Auditing;
using Pimm.Core.Notifying;

namespace Pimm.Jobs.CommandLine;

/// <summary>webhooks add, list, rotate, remove, enable, test, deliveries: who is told when something happens.</summary>
public static class WebhooksCommand
{
    private static readonly Argument<long> Id = new("id") { Description = "the webhook's number, as webhooks list shows it" };

    public static Command Create() => new("webhooks", "who is told by HTTP when something happens, signed by the Standard Webhooks convention")
    {
        Add(),
        List(),
        OnOne("rotate", "another secret, printed this once; the one before signs beside it for 24 hours", async (call, webhooks, id, cancellationToken) =>
        {
            var rotated = await webhooks.RotateAsync(id, AuditActor.CommandLine, cancellationToken);
            call.Print(new { rotated.Webhook.Id, rotated.Secret, rotated.Webhook.FormerUntil }, lines =>
            {
                lines.WriteLine(Line(rotated.Webhook));
                lines.WriteLine($"Secret  {rotated.Secret}");
                lines.WriteLine("The secret is not shown again. Notices are signed with both until the former one ends: change the receiver over by then.");
            });
            return ExitCode.Done;
        }),
        OnOne("remove", "tells nobody there any more, not even what is on its way", async (call, webhooks, id, cancellationToken) =>
        {
            var removed = await webhooks.RemoveAsync(id, AuditActor.CommandLine, cancellationToken);
            call.Print(new { removed = removed.Id, removed.Pending }, lines => lines.WriteLine($"Webhook {removed.Id} is gone{(removed.Pending > 0 ? $", and {removed.Pending} pending deliveries" : "")}."));
            return ExitCode.Done;
        }),
        OnOne("enable", "tells a disabled webhook again, what waited for it first", async (call, webhooks, id, cancellationToken) =>
        {
            var enabled = await webhooks.EnableAsync(id, AuditActor.CommandLine, cancellationToken);
            call.Print(enabled, lines => lines.WriteLine(Line(enabled)));
            return ExitCode.Done;
        }),
        OnOne("test", "sends a notice of the event webhook.test now, once", async (call, webhooks, id, cancellationToken) =>
        {
            var answer = await webhooks.TestAsync(id, cancellationToken);
            if (answer.Error is { } error && !call.Json)
                throw new InvalidOperationException($"Webhook {id}: {error}.".Replace("..", ".", StringComparison.Ordinal));
            call.Print(answer, lines => lines.WriteLine($"Webhook {id} answered {answer.Status}."));
            return answer.Error is null ? ExitCode.Done : ExitCode.Failed;
        }),
        Deliveries(),
    };

    private static Command Add()
    {
        var url = new Argument<string>("url") { Description = "https://host/path that takes POST requests" };
        var events = new Option<string>("--events") { Description = "with commas between: " + string.Join(", ", WebhookEvents.All.Keys), Required = true };
        return new Command("add", "a new webhook; its secret is printed this once") { url, events, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var added = await call.Service<WebhookAdministration>().AddAsync(
                call.Arguments.GetRequiredValue(url), call.Arguments.GetRequiredValue(events).Split(','), AuditActor.CommandLine, cancellationToken);
            call.Print(new { added.Webhook.Id, added.Webhook.Url, added.Webhook.Events, added.Secret }, lines =>
            {
                lines.WriteLine(Line(added.Webhook));
                lines.WriteLine($"Secret  {added.Secret}");
                lines.WriteLine($"The secret is not shown again. Try it: pimm webhooks test {added.Webhook.Id}");
            });
            return ExitCode.Done;
        });
    }

    private static Command List() => new Command("list", "all webhooks, with what is on its way to them") { Invocation.JsonOption }.Does(async (call, cancellationToken) =>
    {
        var webhooks = await call.Service<WebhookStore>().ListAsync(cancellationToken);
        call.Print(new { Webhooks = webhooks }, lines =>
        {
            foreach (var webhook in webhooks)
                lines.WriteLine(Line(webhook));
            if (webhooks.Count == 0)
                lines.WriteLine("No webhooks.");
        });
        return ExitCode.Done;
    });

    private static Command Deliveries()
    {
        var id = new Argument<long?>("id") { Description = "only to this webhook", Arity = ArgumentArity.ZeroOrOne };
        var limit = new Option<int>("--limit") { Description = "how many, the newest first", DefaultValueFactory = _ => 50 };
        return new Command("deliveries", "notices and how they fared") { id, limit, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var deliveries = await call.Service<WebhookStore>().DeliveriesAsync(call.Arguments.GetValue(id), Math.Clamp(call.Arguments.GetValue(limit), 1, 10_000), cancellationToken);
            call.Print(new { Deliveries = deliveries }, lines =>
            {
                foreach (var delivery in deliveries)
                    lines.WriteLine(Line(delivery));
                if (deliveries.Count == 0)
                    lines.WriteLine("No notices.");
            });
            return ExitCode.Done;
        });
    }

    private static Command OnOne(string name, string description, Func<Invocation, WebhookAdministration, long, CancellationToken, Task<int>> act) =>
        new Command(name, description) { Id, Invocation.JsonOption }.Does((call, cancellationToken) =>
            act(call, call.Service<WebhookAdministration>(), call.Arguments.GetRequiredValue(Id), cancellationToken));

    private static string Line(Webhook webhook) => string.Create(CultureInfo.InvariantCulture,
        $"{webhook.Id,4}  {webhook.Url}  {string.Join(",", webhook.Events)}  {webhook.Pending} pending, {webhook.Delivered} delivered, {webhook.Dead} dead{(webhook.FormerUntil is { } until ? $"  former secret until {until:yyyy-MM-dd HH:mm} UTC" : "")}{(webhook.DisabledReason is { } reason ? $"  disabled: {reason}" : "")}");

    private static string Line(WebhookDelivery delivery) => string.Create(CultureInfo.InvariantCulture,
        $"{delivery.CreatedAt:yyyy-MM-dd HH:mm:ss}  {delivery.MessageId}  {delivery.Event,-24} to {delivery.WebhookId}  {delivery.State,-9} try {delivery.Attempt}{(delivery.State == "pending" ? $", next {delivery.NextAt:HH:mm:ss}" : "")}{(delivery.Error is { } error ? $"  {AuditText.OneLine(error)}" : "")}");
}
