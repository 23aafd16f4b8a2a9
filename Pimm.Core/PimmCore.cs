using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Access;
using Pimm.Core.Allocating;
using Pimm.Core.Approving;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Core.Database;
using Pimm.Core.Erasing;
using Pimm.Core.Exporting;
using Pimm.Core.Identifying;
using Pimm.Core.Importing;
using Pimm.Core.Lift;
using Pimm.Core.Notifying;
using Pimm.Core.Operating;
using Pimm.Core.Outcomes;
using Pimm.Core.Promoting;
using Pimm.Core.Queueing;
using Pimm.Core.Retaining;
using Pimm.Core.Safekeeping;
using Pimm.Core.Scheduling;
using Pimm.Core.Scoring;
using Pimm.Core.Simulating;
using Pimm.Core.Suppressing;
using Pimm.Core.Training;

namespace Pimm.Core;

/// <summary>Every feature of the product, registered once for all hosts: one line a feature, in the order of the folders.</summary>
public static class PimmCore
{
    public static string Version { get; } = typeof(PimmCore).Assembly.GetName().Version?.ToString(3) ?? "unknown";

    public static IServiceCollection AddPimmCore(this IServiceCollection services, IConfiguration configuration) => services
        .AddPimmDatabase(configuration)
        .AddAuditing(configuration)
        .AddQueueing(configuration)
        .AddAccess(configuration)
        .AddCampaigns(configuration)
        .AddIdentifying()
        .AddSuppressing()
        .AddImporting(configuration)
        .AddTraining(configuration)
        .AddPromoting(configuration)
        .AddScoring(configuration)
        .AddAllocating()
        .AddApproving()
        .AddExporting(configuration)
        .AddOutcomes(configuration)
        .AddLift()
        .AddScheduling()
        .AddNotifying(configuration)
        .AddRetaining(configuration)
        .AddErasing()
        .AddSafekeeping(configuration)
        .AddOperating()
        .AddSimulating();
}
