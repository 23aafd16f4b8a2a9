using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;

namespace Pimm.Web.Campaigns;

/// <summary>What a stage's button would start, or the sentence that says why it cannot now.</summary>
/// <param name="Label">what the button says</param>
/// <param name="Reason">null when the button may be pressed</param>
public sealed record StageStart(string Label, IReadOnlyList<JobRequest> Requests, string? Reason)
{
    /// <summary>Null for a stage that no button starts: files are imported where they lie.</summary>
    public static StageStart? Of(CampaignStage stage, CampaignContext context)
    {
        var label = stage.Stage switch
        {
            "Training" => "Train both lines",
            "Scoring" => "Score all customers",
            "Allocating" => stage.Quantity == 0 ? "Split and publish the first wave" : "Publish the next wave",
            "Exporting" => "Write the lists",
            "Lift" => "Measure the lift",
            _ => null,
        };
        return label is null ? null : new StageStart(label, Wanted(stage, context), ReasonAgainst(stage, context));
    }

    // The key names the newest run: a second click is the same run, a click after it has ended a new one.
    private static IReadOnlyList<JobRequest> Wanted(CampaignStage stage, CampaignContext context)
    {
        var campaign = context.Campaign;
        return stage.Stage == "Training"
            ? [.. new[] { campaign.ControlLineId, campaign.TreatmentLineId }.Select(line =>
                new JobRequest("train", $"line {line} after run {context.NewestRun}", new { modelLineId = line, windowDays = campaign.WindowDays }))]
            : [new JobRequest(stage.Kind, $"campaign {campaign.Id} after run {context.NewestRun}", new { }, campaign.Id)];
    }

    private static string? ReasonAgainst(CampaignStage stage, CampaignContext context) => stage switch
    {
        { State: "running" } => "It is running now.",
        { State: "queued" } => "It waits in the queue for a worker.",
        { Stage: "Training" } when context.Stage("Importing").State != "done" => "Needs the audience's customers: import them first.",
        { Stage: "Scoring" } when context.Stage("Training").State != "done" => "Needs a champion in both lines: train them first.",
        { Stage: "Scoring" } when context.Stage("Allocating").Quantity > 0 => "Scores are frozen since the customers were split.",
        { Stage: "Allocating", State: "done" } => "All waves are published, and a published wave never changes.",
        { Stage: "Allocating" } when context.Stage("Scoring").State != "done" => "Needs both models' scores: score the customers first.",
        { Stage: "Exporting" } when context.Stage("Allocating").Quantity == 0 => "Needs a published wave: split and publish first.",
        { Stage: "Exporting" } when context.Stage("Exporting").Quantity >= 2 * context.Stage("Allocating").Quantity => "The lists of all published waves are written.",
        { Stage: "Lift" } when context.Stage("Outcomes").State != "done" => "Needs outcomes: they have not come back yet.",
        _ => null,
    };
}
