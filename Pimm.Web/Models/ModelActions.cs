using System.Security.Claims;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Promoting;
using Pimm.Core.Queueing;
using Pimm.Core.Training;
using Pimm.Web.Security;

namespace Pimm.Web.Models;

/// <summary>What a person does with models: asks whether the person may, each time; the ledger and the audit log keep who and why.</summary>
public sealed class ModelActions(WorkPermit permit, ChampionChange champions, RunActions runs)
{
    public const int LongestReason = 500;

    /// <exception cref="InputException">the person may not, the reason is missing, or the version cannot be champion</exception>
    public async Task<ChangedChampion> PromoteAsync(ClaimsPrincipal person, long versionId, string reason)
    {
        var name = await permit.DemandAsync(person, Right.Promote);
        return await champions.PromoteAsync(versionId, name, Said(reason), CancellationToken.None, AuditActor.User(name));
    }

    /// <exception cref="InputException">the person may not, the reason is missing, or there is no champion before</exception>
    public async Task<ChangedChampion> RollBackAsync(ClaimsPrincipal person, long lineId, string reason)
    {
        var name = await permit.DemandAsync(person, Right.Promote);
        return await champions.RollBackAsync(lineId, name, Said(reason), CancellationToken.None, AuditActor.User(name));
    }

    /// <param name="after">the line's newest training: two clicks ask for one run</param>
    /// <exception cref="InputException">the person may not</exception>
    public Task<long> TrainAsync(ClaimsPrincipal person, LineSummary line, long? after) => runs.EnqueueAsync(person, new JobRequest(
        TrainModelLine.JobKind, $"line {line.Id} after training {after ?? 0}", new TrainLineRequest(line.Id, WindowDays: line.WindowDays)));

    /// <exception cref="InputException">the person may not, or the versions cannot be compared</exception>
    public Task<long> CompareAsync(ClaimsPrincipal person, CompareRequest request, long? after) => runs.EnqueueAsync(person, new JobRequest(
        CompareVersions.JobKind, $"{request.Key} after comparison {after ?? 0}", request));

    private static string Said(string reason) => reason.Trim() is { Length: > 0 and <= LongestReason } said ? said
        : throw new InputException($"A reason of 1 to {LongestReason} characters is needed: it is kept with the promotion.");
}
