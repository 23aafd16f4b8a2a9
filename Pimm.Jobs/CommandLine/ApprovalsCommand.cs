using System.CommandLine;
using System.Globalization;
using Pimm.Core;
using Pimm.Core.Approving;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;

namespace Pimm.Jobs.CommandLine;

/// <summary>approvals list, show, approve, request-changes, record. Whoever types them decides; an author still cannot.</summary>
public static class ApprovalsCommand
{
    private static readonly Argument<long> Id = new("id") { Description = "the campaign's number" };
    private static readonly Option<string?> Comment = new("--comment") { Description = "what to know, or what is to change" };

    public static Command Create() => new("approvals", "campaigns that wait for somebody other than their author")
    {
        List(),
        Show(),
        Decide("approve", "lets the campaign select and export as it is", (call, id, comment, cancellationToken) =>
            call.Service<ApprovalDesk>().ApproveAsync(id, AuditActor.CommandLine, comment, cancellationToken: cancellationToken)),
        Decide("request-changes", "sends the campaign back; --comment says what is to change", (call, id, comment, cancellationToken) =>
            call.Service<ApprovalDesk>().RequestChangesAsync(id, AuditActor.CommandLine, comment, cancellationToken: cancellationToken)),
        Record(),
    };

    private static Command List()
    {
        var view = new Option<string>("--view") { Description = $"{string.Join(", ", ApprovalListStore.Views)}: what waits, what you submitted, what was decided", DefaultValueFactory = _ => ApprovalListStore.Inbox };
        return new Command("list", "what waits, the soonest start first") { view, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var chosen = call.Arguments.GetRequiredValue(view);
            if (!ApprovalListStore.Views.Contains(chosen))
                throw new InputException($"--view is \"{chosen}\": choose {string.Join(", ", ApprovalListStore.Views)}.");
            var rows = await call.Service<ApprovalListStore>().ListAsync(chosen, AuditActor.CommandLine, 0, 1000, cancellationToken);
            call.Print(new { approvals = rows.Select(row => new { id = row.CampaignId, row.Name, row.Audience, row.StartsOn, row.State, row.Approval, row.SubmittedBy, row.SubmittedAt, row.DecidedBy, row.DecidedAt, row.Own }) }, lines =>
            {
                foreach (var row in rows)
                    lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{row.CampaignId,5}  {row.StartsOn:yyyy-MM-dd}  {row.Approval,-17}  {row.SubmittedBy,-16}  {row.Name}{(row.Own ? "  (yours)" : "")}"));
                if (rows.Count == 0)
                    lines.WriteLine(chosen == ApprovalListStore.Inbox ? "Nothing waits for approval." : "Nothing.");
            });
            return ExitCode.Done;
        });
    }

    private static Command Show() => new Command("show", "what an approver must know of a campaign") { Id, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
    {
        var id = call.Arguments.GetRequiredValue(Id);
        var definition = await call.Service<DefinitionStore>().FindAsync(id, cancellationToken) ?? throw new InputException($"There is no campaign {id}: `pimm campaigns list` shows those there are.");
        var life = (await call.Service<LifeStore>().ReadAsync(id, AuditActor.CommandLine, cancellationToken))!;
        var seen = await call.Service<EvidenceStore>().ReadAsync(definition, cancellationToken);
        call.Print(new { id, life, definitionSha256 = Convert.ToHexStringLower(definition.Sha256), definition = definition.File, seen }, lines => Write(lines, definition, life, seen));
        return ExitCode.Done;
    });

    private static void Write(TextWriter lines, CampaignDefinition definition, CampaignLife life, ApprovalEvidence seen)
    {
        lines.WriteLine($"{definition.Campaign.Name}: {life.State}, its approval: {life.ApprovalState}{(life.SubmittedBy is { } by ? $", submitted by {by}" : "")}{(life.DecidedBy is { } decider ? $", decided by {decider}" : "")}");
        if (life.Comment is { } comment)
            lines.WriteLine($"Comment: {AuditText.OneLine(comment)}");
        lines.WriteLine($"Definition {Convert.ToHexStringLower(definition.Sha256)}");
        lines.WriteLine($"Models: {Model(seen.Control)} against {Model(seen.Treatment)}; {seen.ModelPolicy}");
        if (seen.Funnel.Count > 0)
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Eligible: {string.Join(" → ", seen.Funnel.Select(step => FormattableString.Invariant($"{step.Step} {step.Customers:N0}")))}"));
        foreach (var check in seen.Checks)
            lines.WriteLine($"{check.Colour,-6} {check.Name}: {check.Reason}");
        lines.WriteLine(life.WhyNot ?? $"pimm approvals approve {definition.Campaign.Id}, or request-changes {definition.Campaign.Id} --comment");
    }

    private static string Model(SeenModel model) => $"{model.Line} {(model.Version is { } version ? $"version {version}" : "(no version)")}";

    private static Command Decide(string name, string description, Func<Invocation, long, string?, CancellationToken, Task<ApprovalRecord>> decide) =>
        new Command(name, description) { Id, Comment, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var record = await decide(call, call.Arguments.GetRequiredValue(Id), call.Arguments.GetValue(Comment), cancellationToken);
            call.Print(record, lines => lines.WriteLine($"Campaign {record.CampaignId}: {record.Decision} by {record.DecidedBy}. Its record: pimm approvals record {record.CampaignId}"));
            return ExitCode.Done;
        });

    private static Command Record() => new Command("record", "prints the record of the newest decision, JSON as it was recorded") { Id }.Does(async (call, cancellationToken) =>
    {
        var id = call.Arguments.GetRequiredValue(Id);
        var decisions = await call.Service<SubmissionStore>().DecisionsAsync(id, cancellationToken);
        if (decisions.Count == 0)
            throw new InputException($"Nobody has decided about campaign {id}: `pimm approvals list` shows what waits.");
        call.Output.Write(decisions[^1].Record);
        return ExitCode.Done;
    });
}
