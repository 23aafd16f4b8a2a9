using System.Globalization;
using Npgsql;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Core.Identifying;
using Pimm.Core.Statistics;

namespace Pimm.Core.Suppressing;

/// <summary>What an opt-out covers, and where it was said.</summary>
/// <param name="Channel">null: every channel</param>
/// <param name="Reason">do-not-contact or objection</param>
/// <param name="Source">where it was said; of a lifting: why</param>
/// <param name="By">who records it, as the audit names those who act</param>
public sealed record OptOut(string? Channel, string Reason, string Source, string By)
{
    /// <exception cref="InputException">something is missing or unknown</exception>
    public OptOut Validated()
    {
        if (Reason is not (SuppressionEntry.DoNotContact or SuppressionEntry.Objection))
            throw new InputException($"The reason \"{Reason}\" is unknown: choose {SuppressionEntry.DoNotContact} or {SuppressionEntry.Objection}.");
        if (Reason == SuppressionEntry.Objection && Channel is not null)
            throw new InputException("An objection is to the use of the data, whatever the channel: leave --channel out, or give --reason do-not-contact.");
        if (Channel is not null && !Campaign.Channels.Contains(Channel))
            throw new InputException($"The channel \"{Channel}\" is unknown: choose {string.Join(", ", Campaign.Channels)}, or leave it out for all of them.");
        return string.IsNullOrWhiteSpace(Source) || Source.Length > 200
            ? throw new InputException("An opt-out needs a source of 1 to 200 characters: say where it was said, for example --source \"letter of 3 May\".")
            : this;
    }
}

/// <summary>What became of a list of opt-outs: received = added + known + unusable.</summary>
/// <param name="Known">held already, or stood twice in the list</param>
/// <param name="Hashed">of the unusable: 64 hexadecimal digits, which no keyed hash can be compared with</param>
public sealed record OptOutCounts(long Received, long Added, long Known, long Unusable, long Hashed);

/// <summary>Takes opt-outs as people bring them, and lifts them by name. Nothing of an address stays but its keyed hash.</summary>
public sealed class OptOuts(NpgsqlDataSource database, SuppressionStore store, IdentifierStore identifiers, Sealer sealer)
{
    private const int AtOnce = 5_000;

    /// <summary>The key of one person, or null where the value cannot be one.</summary>
    /// <param name="kind">customer, email or phone</param>
    /// <param name="defaultCountry">of phone numbers without a country's code; null: such numbers cannot be used</param>
    public async Task<SuppressionKey?> KeyOfAsync(string kind, string value, string? defaultCountry, CancellationToken cancellationToken = default)
    {
        await sealer.ReadyAsync(cancellationToken);
        return KeyOf(kind, value, defaultCountry);
    }

    /// <exception cref="InputException">the opt-out says too little</exception>
    public async Task<OptOutCounts> AddAsync(OptOut said, string kind, IEnumerable<string> values, string? defaultCountry, CancellationToken cancellationToken)
    {
        said = said.Validated() with { Source = SourceText.Of(said.Source) };
        await sealer.ReadyAsync(cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var (received, added, unusable, hashed) = (0L, 0L, 0L, 0L);
        foreach (var some in values.Chunk(AtOnce))
        {
            var keys = some.Select(value => KeyOf(kind, value, defaultCountry)).ToList();
            received += some.Length;
            unusable += keys.Count(key => key is null);
            hashed += kind == "customer" ? 0 : some.Count(Canonical.LooksHashed);
            added += await store.AddAsync(connection, [.. keys.OfType<SuppressionKey>().Select(key => new SuppressionEntry(key, said.Channel, said.Reason, said.Source, said.By))]);
        }
        var counts = new OptOutCounts(received, added, received - added - unusable, unusable, hashed);
        await AuditLog.AddAsync(connection, new AuditEntry(said.By, "suppress.add", "suppression", kind, After: new { said.Channel, said.Reason, counts.Received, counts.Added }));
        await transaction.CommitAsync(cancellationToken);
        return counts;
    }

    /// <summary>Lifts a key's opt-outs, and of an address what its owners took over from it. What else holds for a person stays: <see cref="CheckAsync"/>.</summary>
    /// <returns>how many opt-outs held until now</returns>
    public async Task<int> LiftAsync(OptOut why, SuppressionKey key, CancellationToken cancellationToken)
    {
        why = why.Validated() with { Source = SourceText.Of(why.Source) };
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var lifted = await store.LiftAsync(connection, new SuppressionEntry(key, why.Channel, why.Reason, why.Source, why.By));
        if (lifted > 0)
        {
            await AuditLog.AddAsync(connection, new AuditEntry(why.By, "suppress.lift", "suppression", Name(key), Before: new { why.Channel, why.Reason }, After: new { lifted }));
        }
        await transaction.CommitAsync(cancellationToken);
        return lifted;
    }

    /// <summary>What holds for a person, by whichever way.</summary>
    public async Task<IReadOnlyList<Suppression>> CheckAsync(SuppressionKey key, CancellationToken cancellationToken) =>
        await store.OfAsync(await WithOwnersAsync(key, cancellationToken), cancellationToken);

    /// <summary>The key, the customers whose address it is, and every address and number of these.</summary>
    private async Task<IReadOnlyList<SuppressionKey>> WithOwnersAsync(SuppressionKey key, CancellationToken cancellationToken)
    {
        IReadOnlyList<Guid> customers = key.Customer is { } one ? [one] : await identifiers.FindCustomersAsync(KindOf(key.Kind), key.BlindIndex!, cancellationToken);
        var keys = new List<SuppressionKey>([key, .. customers.Where(customer => customer != key.Customer).Select(SuppressionKey.Of)]);
        if (key.Customer is not null)
        {
            keys.AddRange(await store.AddressesAsync(customers, cancellationToken));
        }
        return keys;
    }

    private SuppressionKey? KeyOf(string kind, string value, string? defaultCountry) => kind switch
    {
        "customer" => value.Trim() is { Length: > 0 and <= 200 } reference && reference.All(IsOfKeys) ? SuppressionKey.Of(CustomerHash.Of(reference)) : null,
        "email" => Canonical.Email(value) is { } email ? SuppressionKey.Email(sealer.BlindIndex(IdentifierKind.Email, email)) : null,
        "phone" => Canonical.Phone(value, defaultCountry) is { } phone ? SuppressionKey.Phone(sealer.BlindIndex(IdentifierKind.Phone, phone)) : null,
        _ => throw new InputException($"Opt-outs of the kind \"{kind}\" are unknown: choose customer, email or phone."),
    };

    // As files of customers must write theirs; anything else would never meet a customer.
    private static bool IsOfKeys(char letter) => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or ':' or '-';

    private static IdentifierKind KindOf(string kind) => kind == "email" ? IdentifierKind.Email : IdentifierKind.Phone;

    // Enough to tell two apart.
    private static string Name(SuppressionKey key) => key.Customer is { } customer
        ? customer.ToString()
        : string.Create(CultureInfo.InvariantCulture, $"{key.Kind}:{Convert.ToHexStringLower(key.BlindIndex!)[..8]}");
}
