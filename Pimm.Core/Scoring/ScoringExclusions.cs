using Dapper;
using Npgsql;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Suppressing;

namespace Pimm.Core.Scoring;

/// <summary>
/// Who is left out of a scoring for what somebody said or did. Shards are scored at different times, so it is looked up once, when the
/// scoring is planned: what is said later stops a delivery and changes no count.
/// </summary>
internal static class ScoringExclusions
{
    private const string Consented = "consented";
    private const string NotSuppressed = "not suppressed";
    private const string ContactLimit = "contact limit";

    /// <summary>In the funnel's order: a customer is left out by the first that applies.</summary>
    public static readonly IReadOnlyList<string> Steps = [Consented, NotSuppressed, ContactLimit];

    // {0} is the audience's table of customers. Each finds (customer, step), a customer at most once.
    private static readonly string WithoutConsent =
        $$"""
        select c.customer, '{{Consented}}' as step from {0} c
         where c.version = @version and not {{SuppressionGate.Consented("c.customer", "@Channel", "@ConsentPurpose")}}
        """;

    private static readonly string Suppressed =
        $$"""
        select distinct n.customer, '{{NotSuppressed}}' as step from not_contactable n
         where (n.channel is null or n.channel = @Channel) and exists (select from {0} c where c.customer = n.customer and c.version = @version)
        """;

    // From the contact window before the first day to the end of the last: waves of other campaigns that are published already count too.
    private const string AtContactLimit =
        $"""
        select customer, '{ContactLimit}' as step from customer_contact
         where audience_id = @AudienceId and campaign_id <> @Id and contacted_at >= @from and contacted_at < @to
         group by customer having count(*) >= @limit
        """;

    private const string SelectOfShard =
        """
        select customer, step from scoring_exclusion
         where scoring_id = @scoringId and customer >= @FirstCustomer and (@NextCustomer::uuid is null or customer < @NextCustomer)
        """;

    /// <summary>In the caller's transaction.</summary>
    /// <param name="version">of the audience</param>
    public static async Task PlanAsync(NpgsqlConnection connection, long scoringId, Campaign campaign, Audience audience, int version)
    {
        foreach (var statement in StatementsOf(campaign, audience))
        {
            var parameters = new DynamicParameters(Parameters(campaign, version));
            parameters.Add("scoringId", scoringId);
            await connection.ExecuteAsync(
                $"insert into scoring_exclusion(scoring_id, customer, step) select @scoringId, found.customer, found.step from ({statement}) found on conflict do nothing", parameters);
        }
    }

    /// <summary>SQL that finds (customer, step) of everybody who would be left out now, each by the first step that applies.</summary>
    public static string FirstOf(Campaign campaign, Audience audience) =>
        $"""
        select distinct on (found.customer) found.customer, found.step
          from ({string.Join(" union all ", StatementsOf(campaign, audience).Select(statement => $"({statement})"))}) found
         order by found.customer, array_position(array[{string.Join(", ", Steps.Select(step => $"'{step}'"))}], found.step)
        """;

    /// <summary>What the statements ask for.</summary>
    public static object Parameters(Campaign campaign, int version) => new
    {
        version, campaign.Channel, campaign.ConsentPurpose, campaign.AudienceId, campaign.Id, limit = campaign.ContactLimit,
        from = campaign.StartsAt.AddDays(-(campaign.ContactDays ?? 0)), to = campaign.StartOf(campaign.StartsOn.AddDays(campaign.Days)),
    };

    private static IEnumerable<string> StatementsOf(Campaign campaign, Audience audience)
    {
        if (campaign.ConsentPurpose is not null)
        {
            yield return WithoutConsent.Replace("{0}", audience.CustomersTable, StringComparison.Ordinal);
        }
        yield return Suppressed.Replace("{0}", audience.CustomersTable, StringComparison.Ordinal);
        if (campaign.ContactLimit is not null)
        {
            yield return AtContactLimit;
        }
    }

    public static async Task<IReadOnlyDictionary<Guid, string>> OfShardAsync(NpgsqlConnection connection, long scoringId, ScoreShard shard, CancellationToken cancellationToken) =>
        (await connection.QueryAsync<(Guid Customer, string Step)>(new CommandDefinition(
            SelectOfShard, new { scoringId, shard.FirstCustomer, shard.NextCustomer }, cancellationToken: cancellationToken))).ToDictionary(e => e.Customer, e => e.Step);
}
