using System.Globalization;
using System.Runtime.CompilerServices;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Scoring;

namespace Pimm.Core.Allocating;

/// <summary>
/// Draws a campaign's split out of what is stored: frozen scores and, for covariates and balance, the attributes of the version
/// that was scored. Drawn again later it is the same.
/// </summary>
public sealed class CampaignSplitter(AudienceStore audiences, AudienceReader reader)
{
    /// <summary>Refuses covariates that the audience cannot give.</summary>
    /// <exception cref="InputException">an attribute is unknown, or holds text</exception>
    public static void CheckCovariates(Campaign campaign, Audience audience)
    {
        foreach (var name in AttributesOf(campaign))
        {
            var found = audience.Attributes.FirstOrDefault(a => a.Name == name);
            if (found is not { IsNumber: true })
            {
                var numbers = string.Join(", ", audience.Attributes.Where(a => a.IsNumber).Select(a => a.Name));
                throw new InputException(
                    $"The split covariate \"{name}\" is {(found is null ? "no" : "a text")} attribute of the audience \"{audience.Name}\": choose {Campaign.ControlScore}, {Campaign.TreatmentScore}{(numbers == "" ? "" : $" or a number attribute ({numbers})")}.");
            }
        }
    }

    /// <exception cref="InputException">a name that the report is to be broken down by is no attribute of the audience</exception>
    public static void CheckSegments(IEnumerable<string> names, Audience audience)
    {
        if (names.FirstOrDefault(name => name is not (Campaign.ControlScore or Campaign.TreatmentScore) && audience.Attributes.All(attribute => attribute.Name != name)) is { } unknown)
        {
            throw new InputException(
                $"The report cannot be broken down by \"{unknown}\": choose {Campaign.ControlScore}, {Campaign.TreatmentScore} or an attribute of the audience, {string.Join(", ", audience.Attributes.Select(a => a.Name))}.");
        }
    }

    /// <summary>The split with the balance of every attribute.</summary>
    public async Task<CampaignSplit> DrawAsync(Campaign campaign, ScoringRun scoring, IReadOnlyList<CustomerScore> scores, CancellationToken cancellationToken)
    {
        var split = CampaignSplit.Draw(campaign, scoring.Id, scores, await CovariatesAsync(campaign, scoring, scores, cancellationToken));
        var audience = await audiences.GetAsync(campaign.AudienceId, cancellationToken);
        var before = CampaignSplit.PlainArms(campaign, [.. scores.Select(s => s.Customer)]);
        var tallies = audience.Attributes.Select(a => new AttributeTally(a)).ToList();
        await foreach (var (batch, row, customer) in EligibleAsync(audience, scoring, scores, cancellationToken))
        {
            var (first, second) = (before[customer] == Arm.Treatment, split.Assignments[customer].Arm == (byte)Arm.Treatment);
            for (var attribute = 0; attribute < tallies.Count; attribute++)
            {
                if (batch.Numbers[attribute] is { } numbers)
                {
                    tallies[attribute].Add(numbers[row], first, second);
                }
                else
                {
                    tallies[attribute].Add(batch.Texts[attribute]![row], first, second);
                }
            }
        }
        var balance = SplitBalance.FromJson(split.Allocation.Balance);
        balance = balance with { Attributes = [.. balance.Attributes!, .. tallies.SelectMany(t => t.Result())] };
        return split with { Allocation = split.Allocation with { Balance = balance.ToJson() } };
    }

    /// <summary>The assignments alone, in the order of the scores: what the stored ones are checked against.</summary>
    /// <param name="winner">as it was stored</param>
    public async Task<IEnumerable<Assignment>> RedrawAsync(
        Campaign campaign, int winner, ScoringRun scoring, IReadOnlyList<CustomerScore> scores, CancellationToken cancellationToken) => CampaignSplit.Redraw(
        campaign, winner, scores, campaign.SplitMethod == "blocks" ? await CovariatesAsync(campaign, scoring, scores, cancellationToken) : null);

    /// <summary>How the arms were drawn, for a randomisation test.</summary>
    public async Task<RandomisationDesign> DesignAsync(Campaign campaign, ScoringRun scoring, IReadOnlyList<CustomerScore> scores, CancellationToken cancellationToken) =>
        CampaignSplit.DesignOf(campaign, scores, await CovariatesAsync(campaign, scoring, scores, cancellationToken));

    private async Task<Dictionary<string, double[]>> CovariatesAsync(
        Campaign campaign, ScoringRun scoring, IReadOnlyList<CustomerScore> scores, CancellationToken cancellationToken)
    {
        var names = AttributesOf(campaign);
        if (names.Count == 0)
        {
            return [];
        }
        var audience = await audiences.GetAsync(campaign.AudienceId, cancellationToken);
        CheckCovariates(campaign, audience);
        var places = names.Select(name => audience.Attributes.Select(a => a.Name).ToList().IndexOf(name)).ToArray();
        var columns = names.Select(_ => new double[scores.Count]).ToArray();
        await foreach (var (batch, row, customer) in EligibleAsync(audience, scoring, scores, cancellationToken))
        {
            for (var c = 0; c < columns.Length; c++)
            {
                columns[c][customer] = batch.Numbers[places[c]]![row];
            }
        }
        return names.Zip(columns).ToDictionary(pair => pair.First, pair => WithoutMissing(pair.Second), StringComparer.Ordinal);
    }

    /// <summary>The scored customers' rows of the scored version, each with the customer's place among the scores.</summary>
    private async IAsyncEnumerable<(AttributeBatch Batch, int Row, int Customer)> EligibleAsync(
        Audience audience, ScoringRun scoring, IReadOnlyList<CustomerScore> scores, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var next = 0;
        await foreach (var batch in reader.CustomersAsync(audience, scoring.AudienceVersion, cancellationToken))
        {
            for (var row = 0; row < batch.Count && next < scores.Count; row++)
            {
                if (batch.Customers[row] == scores[next].Customer)
                {
                    yield return (batch, row, next++);
                }
            }
        }
        if (next < scores.Count)
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture,
                $"Version {scoring.AudienceVersion} of the audience \"{audience.Name}\" no longer has all {scores.Count:N0} scored customers: their split cannot be computed."));
        }
    }

    private static List<string> AttributesOf(Campaign campaign) =>
        [.. campaign.Covariates.Where(c => c is not (Campaign.ControlScore or Campaign.TreatmentScore))];

    /// <summary>A missing value takes the mean of those present: it then says nothing for or against a candidate.</summary>
    private static double[] WithoutMissing(double[] values)
    {
        var present = values.Where(v => !double.IsNaN(v)).ToArray();
        var mean = present.Length == 0 ? 0 : present.Average();
        return present.Length == values.Length ? values : [.. values.Select(v => double.IsNaN(v) ? mean : v)];
    }
}
