using Dapper;
using Npgsql;
using Pimm.Core.Statistics;

namespace Pimm.Core.Simulating;

/// <summary>What makes a simulated audience computable again: its world, its seed, its size.</summary>
/// <param name="World">a name of <see cref="MarketWorld.All"/></param>
/// <param name="StartsAt">the end of its history</param>
public sealed record SimulatedMarket(long AudienceId, string World, long Seed, long Customers, DateTimeOffset StartsAt)
{
    private const string KeyPrefix = "sim-";

    public MarketParameters Parameters => MarketWorld.Named(World).Parameters;

    public static string KeyOf(long index) => FormattableString.Invariant($"{KeyPrefix}{index:0000000}");

    /// <summary>All customers, in the order of their indices.</summary>
    public MarketCustomer[] Population() => MarketCustomer.DrawMany(unchecked((ulong)Seed), 0, checked((int)Customers));

    /// <summary>The truth about every customer, in the order of their indices.</summary>
    public MarketTruth[] Truths() => MarketTruth.OfMany(Population(), Parameters, MarketEffects.Today);

    /// <summary>Index of each customer by the identity that the database knows.</summary>
    public Dictionary<Guid, int> Indices()
    {
        var identities = new Guid[Customers];
        Parallel.For(0, identities.Length, i => identities[i] = CustomerHash.Of(KeyOf(i)));
        var indices = new Dictionary<Guid, int>(identities.Length);
        for (var i = 0; i < identities.Length; i++)
        {
            indices.Add(identities[i], i);
        }
        return indices;
    }

    /// <summary>Chance of one campaign in this market.</summary>
    public ulong CampaignSeed(long campaignId) => RandomStream.Seed(unchecked((ulong)Seed), "campaign", campaignId);
}

/// <summary>Simulated markets.</summary>
public sealed class SimulatedMarketStore(NpgsqlDataSource database)
{
    private const string SelectMarket =
        "select audience_id, world, seed, customers, starts_at from simulated_market where audience_id = @audienceId";

    private const string InsertMarket =
        """
        insert into simulated_market(audience_id, world, seed, customers, starts_at)
        values (@AudienceId, @World, @Seed, @Customers, @StartsAt) on conflict (audience_id) do nothing
        """;

    /// <summary>Null for a real audience.</summary>
    public async Task<SimulatedMarket?> FindAsync(long audienceId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<SimulatedMarket>(new CommandDefinition(SelectMarket, new { audienceId }, cancellationToken: cancellationToken));
    }

    public async Task AddAsync(SimulatedMarket market, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(InsertMarket, market, cancellationToken: cancellationToken));
    }
}
