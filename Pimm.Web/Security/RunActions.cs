using System.Security.Claims;
using Pimm.Core.Auditing;
using Pimm.Core.Queueing;

namespace Pimm.Web.Security;

/// <summary>The only way from a page to the queue: asks whether the person may, each time.</summary>
public sealed class RunActions(JobQueue queue, WorkPermit permit, ILogger<RunActions> log)
{
    /// <exception cref="Core.InputException">the person may not</exception>
    public async Task<long> EnqueueAsync(ClaimsPrincipal person, JobRequest request)
    {
        var name = await permit.DemandAsync(person);
        var id = await queue.EnqueueAsync(request, AuditActor.User(name));
        log.LogInformation("Run {Run} ({Kind}) asked for by {User}", id, request.Kind, name);
        return id;
    }

    /// <exception cref="Core.InputException">the person may not</exception>
    public async Task CancelAsync(ClaimsPrincipal person, long runId)
    {
        var name = await permit.DemandAsync(person);
        await queue.RequestCancelAsync(runId, AuditActor.User(name));
        log.LogInformation("Run {Run} cancelled by {User}", runId, name);
    }

    /// <exception cref="Core.InputException">the person may not, or the run has not failed</exception>
    public async Task RetryAsync(ClaimsPrincipal person, long runId)
    {
        var name = await permit.DemandAsync(person);
        await queue.RetryAsync(runId, AuditActor.User(name));
        log.LogInformation("Run {Run} tried again by {User}", runId, name);
    }
}
