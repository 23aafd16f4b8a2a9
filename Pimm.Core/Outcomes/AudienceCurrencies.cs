using System.Globalization;
using System.Text.RegularExpressions;
using Dapper;
using Npgsql;
using Pimm.Core.Auditing;

namespace Pimm.Core.Outcomes;

/// <summary>The currency that an audience's amounts are taken to be in.</summary>
/// <param name="Currency">three capital letters; null: no outcome has named one yet</param>
public sealed record AudienceCurrency(long Id, string Name, string? Currency);

/// <summary>What came of a correction.</summary>
/// <param name="Before">null: none was named yet</param>
/// <param name="Unnamed">amounts that count, named no currency, and are taken to be in this one from now on</param>
public sealed record CorrectedCurrency(string? Before, string Currency, long Unnamed);

/// <summary>The first outcome that names a currency decides it for its audience; where that one was wrong, this puts it right.</summary>
public sealed partial class AudienceCurrencies(NpgsqlDataSource database)
{
    public async Task<IReadOnlyList<AudienceCurrency>> ListAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<AudienceCurrency>(new CommandDefinition(SelectAll, cancellationToken: cancellationToken))];
    }

    /// <param name="by">see <see cref="AuditActor"/></param>
    /// <exception cref="InputException">no such audience, no code of a currency, or amounts that name another one count</exception>
    public async Task<CorrectedCurrency> SetAsync(long audienceId, string currency, string by, CancellationToken cancellationToken = default)
    {
        if (!Code().IsMatch(currency))
            throw new InputException($"\"{currency}\" is no currency's code: write three capital letters, as EUR.");
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // Batches that name a currency hold the row until they are counted.
        var audience = await connection.QuerySingleOrDefaultAsync<AudienceCurrency>(Lock, new { audienceId })
            ?? throw new InputException($"There is no audience {audienceId}: see pimm audiences list.");
        var counted = await connection.QuerySingleAsync<CountedAmounts>(new CommandDefinition(CountAmounts, new { audienceId, currency }, commandTimeout: 0, cancellationToken: cancellationToken));
        if (counted.Others > 0)
            throw new InputException($"{counted.Others} amounts in {counted.Named} count for audience {audienceId} and would be added to amounts in {currency}: take them back first, by corrections or by undoing their import.");
        if (audience.Currency != currency)
        {
            await connection.ExecuteAsync("update audience set currency = @currency where id = @audienceId", new { audienceId, currency });
            await AuditLog.AddAsync(connection, new AuditEntry(
                by, "audience.currency", "audience", audienceId.ToString(CultureInfo.InvariantCulture), new { audience.Currency }, new { Currency = currency, counted.Unnamed }));
        }
        await transaction.CommitAsync(cancellationToken);
        return new CorrectedCurrency(audience.Currency, currency, counted.Unnamed);
    }

    /// <param name="Others">that name another currency</param>
    /// <param name="Named">which they name</param>
    internal sealed record CountedAmounts(long Others, string? Named, long Unnamed);

    private const string SelectAll = "select id, name, currency from audience order by id";

    private const string Lock = "select id, name, currency from audience where id = @audienceId for no key update";

    // An amount is that of the newest correction, or the outcome's own; of what came before there was a log nobody knows the currency.
    private const string CountAmounts =
        """
        select count(*) filter (where r.currency <> @currency) as others, string_agg(distinct r.currency, ', ') filter (where r.currency <> @currency) as named,
               count(*) filter (where r.currency is null) as unnamed
          from customer_outcome o
          left join outcome_received r on r.audience_id = @audienceId and r.kind = 3 and r.source = o.source and r.event_id = coalesce(o.corrected_by, o.event_id)
         where o.audience_id = @audienceId and not o.voided and o.amount is not null
        """;

    [GeneratedRegex("^[A-Z]{3}$")]
    private static partial Regex Code();
}
