using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Web.Campaigns;

/// <summary>A run with what it wrote.</summary>
public sealed record StageRun(JobRun Run, IReadOnlyList<JobLogLine> Log);

/// <summary>What every panel of a campaign's page needs.</summary>
/// <param name="Runs">newest run by stage name; stages without a run are absent</param>
/// <param name="Revision">rises when rows of a stage may have changed: panels read theirs again</param>
public sealed record CampaignContext(
    Campaign Campaign, Audience Audience, IReadOnlyList<CampaignStage> Stages, IReadOnlyDictionary<string, StageRun> Runs, bool MayAct, int Revision)
{
    public CampaignStage Stage(string name) => Stages.First(stage => stage.Stage == name);

    public long NewestRun => Runs.Values.Select(run => run.Run.Id).DefaultIfEmpty(0).Max();

    /// <summary>The same rows with a run's newer progress.</summary>
    public CampaignContext With(StageRun changed, string stage) => this with
    {
        Runs = new Dictionary<string, StageRun>(Runs) { [stage] = changed },
        Stages = [.. Stages.Select(known => known.Stage == stage ? known with { Progress = changed.Run.Progress, Message = changed.Run.ProgressMsg } : known)],
    };
}
