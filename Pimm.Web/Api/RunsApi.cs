using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Queueing;

namespace Pimm.Web.Api;

/// <summary>What workers did, do and are to do.</summary>
public static class RunsApi
{
    public static RouteGroupBuilder MapRunsApi(this RouteGroupBuilder api)
    {
        var runs = api.MapGroup("/runs").RequireScope(ApiScopes.RunsRead).WithTags("Runs");
        runs.MapGet("/{id:long}", OneAsync).WithSummary("One run with what it wrote");
        return api;
    }

    private static async Task<JobRun> OneAsync(long id, JobQueue queue, CancellationToken cancellationToken) => await queue.GetAsync(id, cancellationToken);
}
