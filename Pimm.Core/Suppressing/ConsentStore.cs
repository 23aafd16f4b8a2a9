using Dapper;
using Npgsql;

namespace Pimm.Core.Suppressing;

/// <summary>What a customer was told to have agreed to, or to have taken back.</summary>
/// <param name="Purpose">what for, as a campaign names it</param>
/// <param name="Channel">one channel, or <see cref="EveryChannel"/></param>
/// <param name="Granted">false: taken back</param>
/// <param name="At">when the customer said so</param>
/// <param name="Source">where it was said: a form, a file</param>
public sealed record ConsentRecord(Guid Customer, string Purpose, string Channel, bool Granted, DateTimeOffset At, string Source)
{
    public const string EveryChannel = "all";
}

/// <summary>A customer's consent as it stands.</summary>
public sealed record ConsentState(Guid Customer, string Purpose, string Channel, bool Granted, DateTimeOffset At, string Source);

/// <summary>Consent by purpose and channel. Everything that is told is kept; the newest by time rules, and at the same time the withdrawal.</summary>
public sealed class ConsentStore(NpgsqlDataSource database)
{
    // Counted against what was known before and the batch itself: a record is stale when something else rules after it.
    private const string Insert =
        """
        with told as (
            select * from unnest(@customers::uuid[], @purposes::text[], @channels::text[], @grants::boolean[], @times::timestamptz[], @sources::text[])
                       as t(customer, purpose, channel, granted, at, source)),
        stale as (
            select count(*) as records from told t
             where exists (select from consent k
                            where k.customer = t.customer and k.purpose = t.purpose and k.channel = t.channel
                              and (k.at > t.at or k.at = t.at and t.granted and not k.granted))
                or exists (select from told k
                            where k.customer = t.customer and k.purpose = t.purpose and k.channel = t.channel
                              and (k.at > t.at or k.at = t.at and t.granted and not k.granted))),
        added as (
            insert into consent(customer, purpose, channel, granted, at, source)
            select customer, purpose, channel, granted, at, source from told
            on conflict do nothing)
        select records from stale
        """;

    private const string SelectNow =
        "select customer, purpose, channel, granted, at, source from consent_now where customer = @customer order by purpose, channel";

    /// <summary>In the caller's transaction. An older record never overrides a newer one.</summary>
    /// <returns>how many were stale: kept as history, without effect</returns>
    public async Task<long> RecordAsync(NpgsqlConnection connection, IReadOnlyList<ConsentRecord> records)
    {
        if (records.Count == 0)
        {
            return 0;
        }
        return await connection.ExecuteScalarAsync<long>(Insert, new
        {
            customers = records.Select(r => r.Customer).ToArray(), purposes = records.Select(r => r.Purpose).ToArray(),
            channels = records.Select(r => r.Channel).ToArray(), grants = records.Select(r => r.Granted).ToArray(),
            times = records.Select(r => r.At.ToUniversalTime()).ToArray(), sources = records.Select(r => SourceText.Of(r.Source)).ToArray(),
        });
    }

    public async Task<IReadOnlyList<ConsentState>> OfAsync(Guid customer, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ConsentState>(new CommandDefinition(SelectNow, new { customer }, cancellationToken: cancellationToken))];
    }
}
