using System.CommandLine;
using Pimm.Core.Approving;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;

namespace Pimm.Jobs.CommandLine;

/// <summary>campaigns submit, withdraw, pause, resume, stop: whoever types them is the actor.</summary>
internal static class CampaignLifeCommands
{
    private static readonly Argument<long> Id = new("id") { Description = "the campaign's number" };
    private static readonly Option<string?> Reason = new("--reason") { Description = "for the audit log and the campaign's page" };
    private static readonly Option<string?> Comment = new("--comment") { Description = "for whoever approves" };

    public static IReadOnlyList<Command> Create() =>
    [
        Verb("submit", "asks somebody else to approve the campaign as it is; it is locked until then", Comment, async (call, id, comment, cancellationToken) =>
        {
            await call.Service<ApprovalDesk>().SubmitAsync(id, AuditActor.CommandLine, comment, cancellationToken);
            return [];
        }),
        Verb("withdraw", "takes a submission back, so that the campaign can be changed", null, async (call, id, _, cancellationToken) =>
        {
            await call.Service<ApprovalDesk>().WithdrawAsync(id, AuditActor.CommandLine, cancellationToken);
            return [];
        }),
        Verb("pause", "no wave is selected and no list written until it is resumed", Reason, async (call, id, reason, cancellationToken) =>
        {
            await call.Service<CampaignSteering>().PauseAsync(id, AuditActor.CommandLine, reason, cancellationToken);
            return [];
        }),
        Verb("resume", "goes on after a pause; days that passed stay missing in both arms", Reason, async (call, id, reason, cancellationToken) =>
        {
            await call.Service<CampaignSteering>().ResumeAsync(id, AuditActor.CommandLine, reason, cancellationToken);
            return [];
        }),
        Verb("stop", "ends the campaign for ever and at once: runs that select or export are cancelled", Reason, (call, id, reason, cancellationToken) =>
            call.Service<CampaignSteering>().StopAsync(id, AuditActor.CommandLine, reason, cancellationToken)),
    ];

    /// <param name="does">answers the runs that were cancelled</param>
    private static Command Verb(string name, string description, Option<string?>? words, Func<Invocation, long, string?, CancellationToken, Task<IReadOnlyList<long>>> does)
    {
        var command = new Command(name, description) { Id, Invocation.JsonOption };
        if (words is not null)
            command.Add(words);
        return command.Does(async (call, cancellationToken) =>
        {
            var id = call.Arguments.GetRequiredValue(Id);
            var cancelled = await does(call, id, words is null ? null : call.Arguments.GetValue(words), cancellationToken);
            var life = (await call.Service<LifeStore>().ReadAsync(id, cancellationToken: cancellationToken))!;
            call.Print(new { id, life.State, approval = life.ApprovalState, cancelledRuns = cancelled }, lines => lines.WriteLine(
                $"Campaign {id} is {life.State}, its approval: {life.ApprovalState}.{(cancelled.Count == 0 ? "" : $" Cancelled runs: {string.Join(", ", cancelled)}.")}"));
            return ExitCode.Done;
        });
    }
}
