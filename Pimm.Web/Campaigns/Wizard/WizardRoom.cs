using Pimm.Core.Approving;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Networks;
using Pimm.Core.Scoring;
using Pimm.Core.Training;
using Pimm.Web.Training;

namespace Pimm.Web.Campaigns.Wizard;

/// <summary>A model line as the wizard offers it.</summary>
/// <param name="Choice">as <see cref="WizardForm.Control"/></param>
/// <param name="Auc">of the last stage on held-out rows; null: none is known</param>
public sealed record LineOffer(string Choice, string Name, string Network, string Settings, int? Version, long TrainingRows, double? Auc);

/// <summary>What is known of campaigns there are.</summary>
public sealed record CampaignRecords(DefinitionStore Definitions, SubmissionStore Submissions, CampaignClashStore Clashes);

/// <summary>Reads what the wizard's steps choose from.</summary>
public sealed class WizardRoom(ImportListStore imports, AudienceStore audiences, ModelStore models, EligibilityCounter counter, CampaignRecords campaigns)
{
    /// <summary>Impressions that the expected rate is taken from, at most.</summary>
    public const int RateImpressions = 100_000;

    public Task<IReadOnlyList<AudienceChoice>> AudiencesAsync() => imports.AudiencesAsync();

    public async Task<Audience?> AudienceAsync(string name) => name.Length == 0 ? null : await audiences.FindByNameAsync(name);

    public Task<CampaignDefinition?> DefinitionAsync(long campaign) => campaigns.Definitions.FindAsync(campaign);

    /// <summary>The definition that was approved last; null: none was.</summary>
    public async Task<CampaignFile?> ApprovedAsync(long campaign) =>
        campaign != 0 && await campaigns.Submissions.LastApprovedAsync(campaign) is { } approved ? CampaignFile.Parse(approved.Definition, "The approved definition") : null;

    /// <summary>What other campaigns have already; asked before anything is submitted.</summary>
    public Task<IReadOnlyList<CampaignClash>> ClashesAsync(Campaign campaign) => campaigns.Clashes.ReadAsync(campaign);

    public Task<double?> PastRateAsync(Audience audience) => counter.PastRateAsync(audience, RateImpressions, CancellationToken.None);

    /// <summary>The audience's lines, then the kinds of network that have none yet.</summary>
    public async Task<IReadOnlyList<LineOffer>> LinesAsync(Audience audience)
    {
        var lines = (await models.LinesAsync()).Where(line => line.AudienceId == audience.Id).ToList();
        var champions = (await models.ChampionsAsync([.. lines.Select(line => line.Id)])).ToDictionary(version => version.ModelLineId);
        var known = lines.Select(line => champions.GetValueOrDefault(line.Id) is { } champion
            ? new LineOffer($"line:{line.Id}", line.Name, line.Network, line.Settings, champion.Version, champion.TrainingRows, TaskMetric.From(champion.Description).LastOrDefault()?.Auc)
            : new LineOffer($"line:{line.Id}", line.Name, line.Network, line.Settings, null, 0, null));
        var kinds = NetworkCatalog.Names.Append(RandomScorerSource.Network).Where(kind => lines.All(line => line.Name != kind));
        return [.. known, .. kinds.Select(kind => new LineOffer($"new:{kind}", kind, kind, "{}", null, 0, null))];
    }
}
