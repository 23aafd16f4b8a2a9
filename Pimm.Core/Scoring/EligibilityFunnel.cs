using System.Text.Json;
using Pimm.Core.Campaigns;
using Pimm.Core.Statistics;

namespace Pimm.Core.Scoring;

/// <summary>A reason not to be eligible.</summary>
/// <param name="Name">as the funnel shows it</param>
public sealed record EligibilityStep(string Name, Func<Guid, bool> Keeps);

/// <summary>
/// Takes the audience's customers through the steps of a campaign in order and counts how many each leaves. The counts are of
/// customers, so each must be asked about once.
/// </summary>
public sealed class EligibilityFunnel(IReadOnlyList<EligibilityStep> steps)
{
    public const string FilterStep = "filter";

    private readonly long[] _left = new long[steps.Count];
    private long _asked;

    /// <summary>
    /// Every reason there is, used by this campaign or not; a further one is a line here. Each hash has a salt of its own, so
    /// that who enters says nothing about the arm.
    /// </summary>
    /// <param name="excluded">customers who were left out when the scoring was planned, and by which step</param>
    /// <param name="matching">those who meet the campaign's filter; null: only where it has none, or nobody is asked about</param>
    public static IReadOnlyList<EligibilityStep> StepsOf(Campaign campaign, IReadOnlyDictionary<Guid, string> excluded, IReadOnlySet<Guid>? matching = null)
    {
        var traffic = SaltKey.From(campaign.SaltFor("traffic"));
        var layer = SaltKey.From(campaign.LayerSalt);
        return
        [
            // Campaigns without a filter have the funnel they always had.
            .. campaign.Filter is null ? [] : new[] { new EligibilityStep(FilterStep, customer => matching!.Contains(customer)) },
            new("traffic", customer => campaign.TrafficShare >= 1 || CustomerHash.Share(CustomerHash.Salted(customer, traffic)) < campaign.TrafficShare),
            new("layer", customer => campaign.Layer is null || PartOf(customer, layer) is var part && part >= campaign.LayerFrom && part < campaign.LayerTo),
            .. ScoringExclusions.Steps.Select(step => new EligibilityStep(step, customer => excluded.GetValueOrDefault(customer) != step)),
        ];
    }

    /// <summary>Which of a layer's 10,000 parts a customer lies in.</summary>
    public static int PartOf(Guid customer, SaltKey layer) =>
        (int)(CustomerHash.Share(CustomerHash.Salted(customer, layer)) * Campaign.LayerParts);

    public bool Admits(Guid customer)
    {
        _asked++;
        for (var step = 0; step < steps.Count; step++)
        {
            if (!steps[step].Keeps(customer))
            {
                return false;
            }
            _left[step]++;
        }
        return true;
    }

    /// <summary>Customers asked about, then left after each step.</summary>
    public long[] Counts => [_asked, .. _left];

    public string ToJson() => ToJson(steps, Counts);

    /// <summary>Customers asked about, then left after each step, then eligible: [{"step", "customers"}].</summary>
    /// <param name="counts">as <see cref="Counts"/>, of one funnel or the sum of several</param>
    public static string ToJson(IReadOnlyList<EligibilityStep> steps, IReadOnlyList<long> counts) => JsonSerializer.Serialize(new[] { new { step = "audience", customers = counts[0] } }
        .Concat(steps.Select((s, i) => new { step = s.Name, customers = counts[i + 1] }))
        .Append(new { step = "eligible", customers = counts[^1] }));
}
