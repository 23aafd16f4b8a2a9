using System.Security.Claims;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Queueing;
using Pimm.Core.Simulating;
using Pimm.Web.Security;

namespace Pimm.Web.Demo;

/// <summary>What a person may do with the simulated data; asks each time whether this one may.</summary>
public sealed class DemoActions(DemoNight night, DemoReset reset, JobQueue queue, WorkPermit permit)
{
    /// <exception cref="Core.InputException">the person may not, or no simulated campaign has a night left</exception>
    public async Task<IReadOnlyList<long>> RunTonightAsync(ClaimsPrincipal person, CancellationToken cancellationToken = default) =>
        await night.StartAsync(AuditActor.User(await permit.DemandAsync(person)), DemoShow.Folder, cancellationToken);

    /// <summary>Removes everything simulated and has it made anew by a run.</summary>
    /// <exception cref="Core.InputException">the person may not, there is real data, or a run is under way</exception>
    public async Task<long> StartOverAsync(ClaimsPrincipal person, CancellationToken cancellationToken = default)
    {
        var by = AuditActor.User(await permit.DemandAsync(person, Right.Administer));
        await reset.RunAsync(by, cancellationToken);
        return await queue.EnqueueAsync(LoadDemo.First(new LoadDemoRequest(DemoShow.Folder)), by, cancellationToken);
    }
}
