using Dapper;
using Npgsql;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Statistics;

namespace Pimm.Core.Scoring;

/// <summary>One step of the exclusion funnel.</summary>
/// <param name="Step">"audience", then the reasons in their order, then "eligible"</param>
/// <param name="Customers">left after it</param>
public sealed record EligibilityCount(string Step, long Customers);

/// <summary>What a scoring of the campaign would find now.</summary>
/// <param name="Version">of the audience</param>
/// <param name="Reachable">eligible customers with an identifier that the channel takes; null: it takes customers without one. No step: they count all the same</param>
public sealed record EligibilityForecast(int Version, IReadOnlyList<EligibilityCount> Steps, long? Reachable)
{
    public long Eligible => Steps[^1].Customers;
}

/// <summary>A customer of a campaign that is not scored yet.</summary>
/// <param name="LeftOutBy">the first step that leaves the customer out; null: eligible</param>
public sealed record EligibilityAnswer(bool IsInAudience, string? LeftOutBy);

/// <param name="Values">as texts, in the order of the audience's attributes; null where missing</param>
public sealed record SampledCustomer(Guid Customer, string?[] Values);

/// <summary>Who would be eligible now, by the statements and hashes that a scoring decides it with. Stopping a count stops its statement.</summary>
public sealed class EligibilityCounter(NpgsqlDataSource database, AudienceStore audiences)
{
    private sealed record Asked(Guid Customer, bool Matches, string? Step, bool Reachable, long Customers);

    private sealed record Target(Audience Audience, int Version, AudienceFilter Filter);

    /// <param name="kinds">of identifiers that the channel's lists name customers by; null: they need none</param>
    /// <exception cref="InputException">the audience has no customers yet, or the filter cannot be applied to it</exception>
    public async Task<EligibilityForecast> CountAsync(Campaign campaign, short[]? kinds, CancellationToken cancellationToken)
    {
        var target = await TargetAsync(campaign, cancellationToken);
        var counts = new Tally(campaign);
        var reachable = 0L;
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        // Hashes are not the database's to compute: with one of them in play each customer is looked at.
        var each = campaign.TrafficShare < 1 || campaign.Layer is not null;
        var rows = connection.QueryUnbufferedAsync<Asked>(StatementFor(campaign, target, kinds, each ? Each : Grouped), ParametersFor(campaign, target, kinds), commandTimeout: 0);
        await foreach (var row in rows.WithCancellation(cancellationToken))
        {
            if (counts.Admits(row.Customer, row.Matches, row.Step, row.Customers) && row.Reachable)
            {
                reachable += row.Customers;
            }
        }
        return new EligibilityForecast(target.Version, counts.Steps, kinds is null ? null : reachable);
    }

    /// <summary>The customers that come first of those who would be eligible: their order is a hash's.</summary>
    public async Task<IReadOnlyList<SampledCustomer>> SampleAsync(Campaign campaign, int most, CancellationToken cancellationToken)
    {
        var target = await TargetAsync(campaign, cancellationToken);
        var (found, counts) = (new List<Guid>(), new Tally(campaign));
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var rows = connection.QueryUnbufferedAsync<Asked>(StatementFor(campaign, target, null, $"{Each} order by customer"), ParametersFor(campaign, target, null), commandTimeout: 0);
        await foreach (var row in rows.WithCancellation(cancellationToken))
        {
            if (counts.Admits(row.Customer, row.Matches, row.Step, 1))
            {
                found.Add(row.Customer);
            }
            if (found.Count == most)
            {
                break;
            }
        }
        var values = string.Join(", ", target.Audience.Attributes.Select(attribute => $"c.\"{attribute.Name}\"::text"));
        return [.. await connection.QueryAsync<SampledCustomer>(new CommandDefinition(
            $"select c.customer, array[{values}] as values from {target.Audience.CustomersTable} c where c.version = @version and c.customer = any(@found) order by c.customer",
            new { version = target.Version, found }, cancellationToken: cancellationToken))];
    }

    /// <summary>Share of the audience's newest impressions that reached the last stage; null without any.</summary>
    /// <param name="impressions">that are looked at, at most</param>
    public async Task<double?> PastRateAsync(Audience audience, int impressions, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<double?>(new CommandDefinition(
            $"select avg((h.stage >= @last)::int)::double precision from (select stage from {audience.HistoryTable} order by impression_at desc limit @impressions) h",
            new { last = audience.Funnel.Length, impressions }, cancellationToken: cancellationToken));
    }

    /// <param name="key">as files name the customer</param>
    public async Task<EligibilityAnswer> AskAsync(Campaign campaign, string key, CancellationToken cancellationToken)
    {
        var target = await TargetAsync(campaign, cancellationToken);
        var parameters = ParametersFor(campaign, target, null);
        parameters.Add("customer", CustomerHash.Of(key));
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<Asked>(new CommandDefinition(
            StatementFor(campaign, target, null, $"{Each} where customer = @customer"), parameters, cancellationToken: cancellationToken));
        if (row is null)
        {
            return new EligibilityAnswer(false, null);
        }
        var counts = new Tally(campaign);
        return counts.Admits(row.Customer, row.Matches, row.Step, 1) ? new(true, null) : new(true, counts.Steps.First(step => step.Customers == 0).Step);
    }

    private static readonly string Each = "select customer, matches, step, reachable, 1::bigint as customers from asked";

    private static readonly string Grouped =
        "select '00000000-0000-0000-0000-000000000000'::uuid as customer, matches, step, reachable, count(*) as customers from asked group by matches, step, reachable";

    private static string StatementFor(Campaign campaign, Target target, short[]? kinds, string wanted) =>
        $"""
        with left_out as materialized ({ScoringExclusions.FirstOf(campaign, target.Audience)}),
        asked as (
            select c.customer, {target.Filter.Sql} as matches, l.step,
                   {(kinds is null ? "true" : "exists (select from customer_identifier i where i.customer = c.customer and i.kind = any(@kinds))")} as reachable
              from {target.Audience.CustomersTable} c left join left_out l on l.customer = c.customer
             where c.version = @version)
        {wanted}
        """;

    private static DynamicParameters ParametersFor(Campaign campaign, Target target, short[]? kinds)
    {
        var parameters = target.Filter.Parameters(ScoringExclusions.Parameters(campaign, target.Version));
        parameters.Add("kinds", kinds);
        return parameters;
    }

    private async Task<Target> TargetAsync(Campaign campaign, CancellationToken cancellationToken)
    {
        var audience = await audiences.GetAsync(campaign.AudienceId, cancellationToken);
        var version = await audiences.NewestVersionAsync(audience.Id, cancellationToken)
            ?? throw new InputException($"The audience \"{audience.Name}\" has no customers yet: import a customer file first.");
        return new Target(audience, version.Version, new AudienceFilter(campaign.FilterList(), audience));
    }

    /// <summary>The funnel of a scoring, counted in groups: customers of one group differ in nothing that a step asks about.</summary>
    private sealed class Tally
    {
        private readonly Dictionary<Guid, string> _leftOut = [];
        private readonly HashSet<Guid> _matching = [];
        private readonly IReadOnlyList<EligibilityStep> _steps;
        private readonly long[] _counts;

        public Tally(Campaign campaign)
        {
            _steps = EligibilityFunnel.StepsOf(campaign, _leftOut, _matching);
            _counts = new long[_steps.Count + 1];
        }

        public IReadOnlyList<EligibilityCount> Steps =>
            [new("audience", _counts[0]), .. _steps.Select((step, place) => new EligibilityCount(step.Name, _counts[place + 1])), new("eligible", _counts[^1])];

        public bool Admits(Guid customer, bool matches, string? leftOutBy, long customers)
        {
            _matching.Clear();
            _leftOut.Clear();
            if (matches)
            {
                _matching.Add(customer);
            }
            if (leftOutBy is not null)
            {
                _leftOut[customer] = leftOutBy;
            }
            _counts[0] = checked(_counts[0] + customers);
            for (var step = 0; step < _steps.Count; step++)
            {
                if (!_steps[step].Keeps(customer))
                {
                    return false;
                }
                _counts[step + 1] = checked(_counts[step + 1] + customers);
            }
            return true;
        }
    }
}
