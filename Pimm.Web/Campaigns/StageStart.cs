using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;

namespace Pimm.Web.Campaigns;

/// <summary>What a stage's button would start, or the sentence that says why it cannot now.</summary>
/// <param name="Label">what the button says</param>
/// <param name="Requests">the runs to enqueue; empty when <paramref name="Reason"/> says why not</param>
public sealed record StageStart(string Label, IReadOnlyList<JobRequest> Requests, string? Reason)
{
    /// <summary>Null for a stage that is not started from a page.</summary>
    /// <param name="newestRun">newest run of any kind: makes a second click the same run, and a later click a new one</param>
    public static StageStart? Of(CampaignStage stage, IReadOnlyList<CampaignStage> all, Campaign campaign, bool simulated, long newestRun)
    {
        var label = stage.Stage switch
        {
            "Training" => "Train both lines",
            "Scoring" => "Score all customers",
            "Allocating" => "Split and publish waves",
            "Exporting" => "Write the lists",
            "Outcomes" => simulated ? "Draw the outcomes" : null,
            "Lift" => "Measure the lift",
            _ => null,
        };
        return label is null ? null : new StageStart(label, Wanted(stage, campaign, newestRun), ReasonAgainst(stage, all));
    }

    private static IReadOnlyList<JobRequest> Wanted(CampaignStage stage, Campaign campaign, long newestRun) => stage.Kind == "train"
        ? [.. new[] { campaign.ControlLineId, campaign.TreatmentLineId }.Select(line => new JobRequest("train", $"line {line} after run {newestRun}", new { modelLineId = line }))]
        : [new JobRequest(stage.Kind, $"campaign {campaign.Id} after run {newestRun}", new { campaignId = campaign.Id }, campaign.Id)];

    private static string? ReasonAgainst(CampaignStage stage, IReadOnlyList<CampaignStage> all)
    {
        CampaignStage Of(string name) => all.First(other => other.Stage == name);
        return stage switch
        {
            { State: "running" } => "It is running now.",
            { State: "queued" } => "It waits in the queue for a worker.",
            { Stage: "Training" } when Of("Importing").State != "done" => "Needs the audience's customers: import them first.",
            { Stage: "Scoring" } when Of("Training").State != "done" => "Needs a champion in both lines: train them first.",
            { Stage: "Scoring" } when Of("Allocating").Quantity > 0 => "Scores are frozen since the customers were split.",
            { Stage: "Allocating" } when Of("Scoring").State != "done" => "Needs both models' scores: score the customers first.",
            { Stage: "Allocating", State: "done" } => "All waves are published; they are never changed.",
            { Stage: "Exporting" } when Of("Allocating").Quantity == 0 => "Needs a published wave: split and publish first.",
            { Stage: "Exporting", State: "done" } => "All lists are written.",
            { Stage: "Outcomes" } when Of("Exporting").Quantity == 0 => "Needs an exported list: write the lists first.",
            { Stage: "Lift" } when Of("Outcomes").State != "done" => "Needs outcomes: they have not come back yet.",
            _ => null,
        };
    }
}
