using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Pimm.Core.Campaigns;

namespace Pimm.Web.Api;

/// <summary>What the OpenAPI document shows of campaigns.</summary>
internal static class CampaignExamples
{
    private static readonly DateTimeOffset At = new(2026, 11, 22, 9, 30, 0, TimeSpan.Zero);

    private static readonly CampaignFile Definition = new(
        "Spring savings", "savers", "shared-bottom", "pimm", new DateOnly(2026, 12, 1), 5, 30, 2000, Salt: "Spring savings/2026-12-01",
        SplitCovariates: [Core.Campaigns.Campaign.ControlScore], Segments: [], Guardrails: [new Guardrail("amount", 0.05)]);

    public static readonly JsonNode Request = JsonNode.Parse(
        """
        {"name":"Spring savings","audience":"savers","control":"shared-bottom","treatment":"pimm","startsOn":"2026-12-01","days":5,
         "windowDays":30,"impressionsPerDay":2000,"guardrails":[{"metric":"amount","margin":0.05}]}
        """)!;

    public static readonly ApiPage<ApiCampaignSummary> Page = new(
        [new(7, Definition.Name, Definition.Audience, false, CampaignStates.Draft, Definition.StartsOn, Definition.Days, 2, "Scoring", false)], null);

    public static readonly ApiSubmission Submission = new(
        3, ApprovalStates.Approved, Hash, "key:Fb3kQ9Za", At.AddMinutes(5), "As agreed on Monday", "user:approver", At.AddHours(2), null,
        "Waves are selected and exported under this approval; any change of the definition revokes it.");

    public static readonly ApiCampaign Campaign = new(
        7, CampaignStates.Draft, LifeStates.Approved, "key:Fb3kQ9Za", At, null, Definition, Hash, Submission,
        [new ApiStage("Importing", "done", At.AddDays(-1), 120_000, "customers", 80, null, null, null), new ApiStage("Scoring", "waiting", null, 0, "customers scored by both models", null, null, null, null)],
        new ApiCounts([new ApiEligibilityStep("audience", 120_000), new ApiEligibilityStep("contact limit", 118_204)], null, null, null));

    private static string Hash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Definition.ToJson())));
}
