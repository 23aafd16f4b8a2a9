using Microsoft.Extensions.DependencyInjection;

namespace Pimm.Core.Approving;

public static class ApprovingServices
{
    public static IServiceCollection AddApproving(this IServiceCollection services) => services
        .AddSingleton<SubmissionStore>()
        .AddSingleton<EvidenceStore>()
        .AddSingleton<ApprovalDesk>()
        .AddSingleton<ApprovalListStore>()
        .AddSingleton<CampaignSteering>()
        .AddSingleton<CampaignDrafts>()
        .AddHostedService<UnapprovedStart>();
}
