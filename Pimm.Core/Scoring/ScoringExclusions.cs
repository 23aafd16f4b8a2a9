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

    // {0} is the audience's table of customers.
    private static readonly string InsertWithoutConsent =
        $$"""
        insert into scoring_exclusion(scoring_id, customer, step)
        select @scoringId, c.customer, '{{Consented}}' from {0} c
         where c.version = @version and not {{SuppressionGate.Consented("c.customer", "@Channel", "@ConsentPurpose")}}
        """;

    private static readonly string InsertSuppressed =
        $$"""
        insert into scoring_exclusion(scoring_id, customer, step)
        select distinct @scoringId, n.customer, '{{NotSuppressed}}' from not_contactable n
         where (n.channel is null or n.channel = @Channel) and exists (select from {0} c where c.customer = n.customer and c.version = @version)
        on conflict do nothing
        """;

    // From the contact window before the first day to the end of the last: waves of other campaigns that are published already count too.
    private const string InsertAtContactLimit =
        $"""
        insert into scoring_exclusion(scoring_id, customer, step)
        select @scoringId, customer, '{ContactLimit}' from customer_contact
         where audience_id = @AudienceId and campaign_id <> @Id and contacted_at >= @from and contacted_at < @to
         group by customer having count(*) >= @limit
        on conflict do nothing
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
        var who = new { scoringId, version, campaign.Channel, campaign.ConsentPurpose };
        if (campaign.ConsentPurpose is not null)
        {
            await connection.ExecuteAsync(InsertWithoutConsent.Replace("{0}", audience.CustomersTable, StringComparison.Ordinal), who);
        }
        await connection.ExecuteAsync(InsertSuppressed.Replace("{0}", audience.CustomersTable, StringComparison.Ordinal), who);
        if (campaign.ContactLimit is { } limit && campaign.ContactDays is { } days)
        {
            await connection.ExecuteAsync(InsertAtContactLimit, new
            {
                scoringId, campaign.AudienceId, campaign.Id, limit,
                from = campaign.StartsAt.AddDays(-days), to = campaign.StartOf(campaign.StartsOn.AddDays(campaign.Days)),
            });
        }
    }

    public static async Task<IReadOnlyDictionary<Guid, string>> OfShardAsync(NpgsqlConnection connection, long scoringId, ScoreShard shard, CancellationToken cancellationToken) =>
        (await connection.QueryAsync<(Guid Customer, string Step)>(new CommandDefinition(
            SelectOfShard, new { scoringId, shard.FirstCustomer, shard.NextCustomer }, cancellationToken: cancellationToken))).ToDictionary(e => e.Customer, e => e.Step);
}
