using Pimm.Core.Campaigns;
using Pimm.Core.Scoring;
using Pimm.Core.Statistics;

namespace Pimm.Core.Allocating;

/// <summary>The drawn split as it is stored.</summary>
public sealed record CampaignSplit(Allocation Allocation, IReadOnlyList<Assignment> Assignments)
{
    /// <summary>Strata of the method "blocks": deciles of the first covariate.</summary>
    public const int Strata = 10;

    /// <summary>
    /// Pure: the same campaign, scores and attributes give the same split at any thread count. Scores come in the order of the
    /// customers. The balance has both scores; the caller adds the audience's attributes.
    /// </summary>
    /// <param name="attributes">values of the covariates that are attributes, in the order of the customers; null where there are none</param>
    /// <exception cref="InputException">a covariate is neither a score nor given</exception>
    public static CampaignSplit Draw(
        Campaign campaign, long scoringId, IReadOnlyList<CustomerScore> scores, IReadOnlyDictionary<string, double[]>? attributes = null, int? threads = null)
    {
        var customers = scores.Select(s => s.Customer).ToArray();
        var covariates = campaign.Covariates.Select(name => Values(name, scores, attributes)).ToList();
        var salt = campaign.SaltFor("split");
        var result = campaign.SplitMethod switch
        {
            "plain" => Splitter.ByHash(customers, salt, covariates),
            "blocks" => Splitter.ByBlocks(customers, Splitter.QuantileStrata(covariates[0], Strata), SaltKey.From(salt).First, covariates: covariates),
            _ => Splitter.BestOf(customers, covariates, salt, campaign.SplitCandidates, threads),
        };
        var assignments = Assigned(campaign, customers, result.Arms).ToList();
        var before = PlainArms(campaign, customers);
        var balance = SplitBalance.OfScores(campaign.Covariates, scores, before, result) with
        {
            ImbalanceBefore = Splitter.ImbalanceOf(before, covariates),
        };
        var allocation = new Allocation(
            campaign.Id, scoringId, campaign.SplitMethod, result.Winner, [.. result.Candidates], balance.ToJson(), result.Controls, result.Treatments, default);
        return new CampaignSplit(allocation, assignments);
    }

    /// <summary>
    /// The same assignments as <see cref="Draw"/>'s, one customer at a time: of best-of the chosen salt alone is hashed again, not all
    /// the candidates it was chosen from.
    /// </summary>
    /// <param name="winner">index of the chosen candidate salt; 0 but for best-of</param>
    public static IEnumerable<Assignment> Redraw(
        Campaign campaign, int winner, IReadOnlyList<CustomerScore> scores, IReadOnlyDictionary<string, double[]>? attributes = null)
    {
        var customers = scores.Select(s => s.Customer);
        var split = campaign.SaltFor("split");
        if (campaign.SplitMethod == "blocks")
        {
            var strata = Splitter.QuantileStrata(Values(campaign.Covariates[0], scores, attributes), Strata);
            return Assigned(campaign, customers, Splitter.ByBlocks([.. customers], strata, SaltKey.From(split).First).Arms);
        }
        var salt = SaltKey.From(campaign.SplitMethod == "plain" ? split : Splitter.CandidateSalt(split, winner));
        return Assigned(campaign, customers, customers.Select(customer => Splitter.ArmOf(customer, salt)));
    }

    private static IEnumerable<Assignment> Assigned(Campaign campaign, IEnumerable<Guid> customers, IEnumerable<Arm> arms)
    {
        var holdBack = SaltKey.From(campaign.SaltFor("hold-back"));
        return customers.Zip(arms, (customer, arm) => new Assignment(
            customer, (byte)arm, CustomerHash.Share(CustomerHash.Salted(customer, holdBack)) < campaign.HoldbackShare));
    }

    /// <summary>How <see cref="Draw"/> draws, for a randomisation test.</summary>
    public static RandomisationDesign DesignOf(Campaign campaign, IReadOnlyList<CustomerScore> scores, IReadOnlyDictionary<string, double[]>? attributes = null) =>
        campaign.SplitMethod switch
        {
            "plain" => RandomisationDesign.Plain,
            "blocks" => RandomisationDesign.Blocks(Splitter.QuantileStrata(Values(campaign.Covariates[0], scores, attributes), Strata)),
            _ => RandomisationDesign.BestOf([.. campaign.Covariates.Select(name => Values(name, scores, attributes))], campaign.SplitCandidates),
        };

    /// <summary>What a plain hash would have given: the first candidate salt, or the split itself where nothing was chosen.</summary>
    public static Arm[] PlainArms(Campaign campaign, IReadOnlyList<Guid> customers)
    {
        var split = campaign.SaltFor("split");
        var salt = SaltKey.From(campaign.SplitMethod == "plain" ? split : Splitter.CandidateSalt(split, 0));
        return [.. customers.Select(customer => Splitter.ArmOf(customer, salt))];
    }

    private static double[] Values(string name, IReadOnlyList<CustomerScore> scores, IReadOnlyDictionary<string, double[]>? attributes) => name switch
    {
        Campaign.ControlScore => [.. scores.Select(s => (double)s.Control)],
        Campaign.TreatmentScore => [.. scores.Select(s => (double)s.Treatment)],
        _ when attributes is not null && attributes.TryGetValue(name, out var values) => values,
        _ => throw new InputException($"The split covariate \"{name}\" has no values: choose {Campaign.ControlScore}, {Campaign.TreatmentScore} or a number attribute of the audience."),
    };
}
