using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Training;

namespace Pimm.Core.Scoring;

/// <summary>Scores every eligible customer of a campaign with both lines' champions and keeps both scores. Who is eligible is decided here, once: scores,
/// assignments and everything later have the same customers.</summary>
public sealed class ScoreCampaign(
    CampaignStore campaigns, AudienceReader reader, AudienceStore audiences, ChampionScorers champions, ScoringStore scorings) : IJob
{
    public const string JobKind = "score";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var campaign = await campaigns.GetAsync(run.RequiredCampaignId, cancellationToken);
        var audience = await audiences.GetAsync(campaign.AudienceId, cancellationToken);
        var version = await audiences.NewestVersionAsync(audience.Id, cancellationToken)
            ?? throw new InputException($"The audience \"{audience.Name}\" has no customers yet: import a customer file first.");
        using var control = await champions.OpenAsync(audience, campaign.ControlLineId, cancellationToken);
        using var treatment = await champions.OpenAsync(audience, campaign.TreatmentLineId, cancellationToken);

        var funnel = new EligibilityFunnel(EligibilityFunnel.StepsOf(campaign, await scorings.AtContactLimitAsync(campaign, cancellationToken)));

        var scores = await ScoreAllAsync(run, audience, version, funnel, control, treatment, cancellationToken);
        if (scores.Count == 0)
        {
            throw new InputException($"No customer is left for campaign \"{campaign.Name}\" ({funnel.ToJson()}): widen its traffic share, its layer's range or its contact limit.");
        }

        var scoring = new ScoringRun(
            0, campaign.Id, version.Version, control.Version.Id, treatment.Version.Id, scores.Count, funnel.ToJson(), default);
        await run.CompleteAsync(
            new { customers = scores.Count, controlVersion = control.Version.Version, treatmentVersion = treatment.Version.Version },
            connection => scorings.AddAsync(connection, scoring, scores, run.RunId, cancellationToken), cancellationToken);
    }

    private async Task<List<CustomerScore>> ScoreAllAsync(
        JobExecution run, Audience audience, AudienceVersion version, EligibilityFunnel funnel, OpenChampion control, OpenChampion treatment,
        CancellationToken cancellationToken)
    {
        var scores = new List<CustomerScore>();
        var seen = 0L;
        var (controlScores, treatmentScores) = (Array.Empty<float>(), Array.Empty<float>());
        await foreach (var batch in reader.CustomersAsync(audience, version.Version, cancellationToken))
        {
            seen += batch.Count;
            batch.Keep(funnel.Admits);
            if (batch.Count == 0)
            {
                continue;
            }
            if (controlScores.Length < batch.Capacity)
            {
                (controlScores, treatmentScores) = (new float[batch.Capacity], new float[batch.Capacity]);
            }
            control.Scorer.Score(batch, controlScores.AsSpan(0, batch.Count));
            treatment.Scorer.Score(batch, treatmentScores.AsSpan(0, batch.Count));
            for (var row = 0; row < batch.Count; row++)
            {
                scores.Add(new CustomerScore(batch.Customers[row], controlScores[row], treatmentScores[row]));
            }
            run.Report((double)seen / version.Customers, $"{scores.Count:N0} customers scored, {seen:N0} of {version.Customers:N0} looked at");
        }
        return scores;
    }
}
