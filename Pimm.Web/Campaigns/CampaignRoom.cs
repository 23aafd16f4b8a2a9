using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Web.Campaigns;

/// <summary>Reads what a campaign's page shows, and says which stage a changed run belongs to.</summary>
public sealed class CampaignRoom(CampaignStore campaigns, AudienceStore audiences, JobQueue queue)
{
    /// <returns>null when there is no such campaign</returns>
    public async Task<CampaignContext?> ReadAsync(long id, bool mayAct, int revision)
    {
        if (await campaigns.FindAsync(id) is not { } campaign)
        {
            return null;
        }

        var audience = await audiences.GetAsync(campaign.AudienceId);
        var stages = await campaigns.StagesAsync(id);
        var read = (await queue.ListWithLogsAsync([.. stages.Select(stage => stage.RunId).OfType<long>()])).ToDictionary(one => one.Run.Id, one => new StageRun(one.Run, one.Log));
        var runs = stages.Where(stage => stage.RunId is { } run && read.ContainsKey(run)).ToDictionary(stage => stage.Stage, stage => read[stage.RunId!.Value]);
        return new CampaignContext(campaign, audience, stages, runs, mayAct, revision);
    }

    /// <summary>The same context with the run's new progress and log; null when more than progress has changed.</summary>
    public async Task<CampaignContext?> ProgressAsync(CampaignContext context, JobRun changed)
    {
        var stage = context.Runs.FirstOrDefault(known => known.Value.Run.Id == changed.Id);
        return stage.Value is { } shown && shown.Run.State == changed.State
            ? context.With(new StageRun(changed, await queue.ListLogAsync(changed.Id)), stage.Key)
            : null;
    }

    /// <summary>
    /// Whether news of a run may change what a campaign's page shows. Training belongs to a line, not to a campaign: its runs name no
    /// campaign. While one goes on that no stage shows, nothing changes here: each of its steps would be read by every open page.
    /// </summary>
    /// <param name="shown">the runs of the campaign's stages</param>
    public static bool Concerns(long campaign, IEnumerable<StageRun> shown, JobRun run) =>
        run.CampaignId == campaign || shown.Any(known => known.Run.Id == run.Id)
        || (run.CampaignId is null && run.Kind is "train" or "import" or "outcomes" && (run.Progress is null || run.IsFinished));
}
