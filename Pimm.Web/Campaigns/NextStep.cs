using Pimm.Core.Campaigns;

namespace Pimm.Web.Campaigns;

/// <summary>What happens next in a campaign, and from when on.</summary>
/// <param name="Sentence">a key of the folder's words with the place {0} for a day where there is one</param>
/// <param name="Stage">whose button does it; null: nothing to press</param>
public sealed record NextStep(string Sentence, string? Stage, DateOnly? Day = null, DateTimeOffset? At = null)
{
    /// <param name="newestWave">null before the first</param>
    public static NextStep Of(Campaign campaign, IReadOnlyList<CampaignStage> stages, DateOnly? newestWave, DateTimeOffset now)
    {
        if (stages.FirstOrDefault(stage => stage.State == "failed") is { } failed)
        {
            return new("A run failed: its panel says why.", failed.Stage);
        }
        var current = stages.FirstOrDefault(stage => stage.State != "done")?.Stage;
        return current switch
        {
            "Allocating" when campaign.WaveDates.FirstOrDefault(day => newestWave is null || day > newestWave) is var day && day != default =>
                new("The wave of {0} is published next; its day begins:", current, day, campaign.StartOf(day)),
            "Exporting" => new("The lists of the published waves are written next.", current),
            "Outcomes" => new("Outcomes are waited for until the last window closes:", current, null, campaign.ClosesAt),
            "Lift" => new("The lift can be measured.", current),
            null when now < campaign.ClosesAt => new("Late outcomes still count until the last window closes:", "Lift", null, campaign.ClosesAt),
            null => new("Nothing is left to do: all windows are closed.", null),
            _ => new("This stage is next.", current),
        };
    }
}
