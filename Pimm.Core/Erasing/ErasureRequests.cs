using Dapper;
using Npgsql;
using Pimm.Core.Auditing;
using Pimm.Core.Identifying;
using Pimm.Core.Queueing;
using Pimm.Core.Statistics;
using Pimm.Core.Suppressing;

namespace Pimm.Core.Erasing;

/// <summary>How a person who wants to be erased is named: by one of these, or more.</summary>
/// <param name="DefaultCountry">of a phone number without a country's code</param>
public sealed record ErasureAsked(string? CustomerRef, string? Email, string? Phone, string? DefaultCountry = null);

/// <summary>What a run of the kind "erase" is asked to do. What it looks for lies sealed in the erasure's row.</summary>
public sealed record EraseRequest(Guid Customer);

/// <summary>
/// Takes a wish to be erased. From its commit on nobody scores, trains on, contacts or imports the customer; a run does the rest.
/// </summary>
public sealed class ErasureRequests(NpgsqlDataSource database, IdentifierStore identifiers, SuppressionStore suppressions, Sealer sealer, JobQueue queue)
{
    private static readonly IdentifierKind[] AllKinds = Enum.GetValues<IdentifierKind>();

    // A finished erasure may be asked for again, under another address; one that is under way is added to.
    private const string Upsert =
        """
        insert into erasure(customer, requested_at, requested_by, traces_sealed) values (@customer, clock_timestamp(), @by, @traces)
        on conflict (customer) do update set requested_at = clock_timestamp(), requested_by = @by, traces_sealed = @traces, finished_at = null
        """;

    private const string SelectOpen = "select traces_sealed from erasure where customer = @customer and finished_at is null for update";

    private const string SelectKeys = "select customer_keys(@customer)";

    private const string Lock = "select pg_advisory_xact_lock(hashtextextended('erasure', 0))";

    /// <summary>Whom the wish may mean: several customers may share an address.</summary>
    /// <exception cref="InputException">nobody is named, the name cannot be one, or nobody has the address</exception>
    public async Task<IReadOnlyList<Guid>> FindAsync(ErasureAsked asked, CancellationToken cancellationToken = default)
    {
        await sealer.ReadyAsync(cancellationToken);
        if (asked.CustomerRef is { } reference)
            return [CustomerHash.Of(reference.Trim())];
        var email = asked.Email is null ? null : Canonical.Email(asked.Email) ?? throw new InputException("--email is no e-mail address: write it as name@example.com.");
        var phone = asked.Phone is null ? null : Canonical.Phone(asked.Phone, asked.DefaultCountry)
            ?? throw new InputException("--phone is no phone number: write it with its country's code, as +49 170 1234567.");
        if (email is null && phone is null)
            throw new InputException("Say who is to be erased: give --customer-ref, --email or --phone.");
        var found = new HashSet<Guid>();
        if (email is not null)
            found.UnionWith(await identifiers.FindCustomersAsync(IdentifierKind.Email, sealer.BlindIndex(IdentifierKind.Email, email), cancellationToken));
        if (phone is not null)
            found.UnionWith(await identifiers.FindCustomersAsync(IdentifierKind.Phone, sealer.BlindIndex(IdentifierKind.Phone, phone), cancellationToken));
        return found.Count > 0 ? [.. found.Order()]
            : throw new InputException("No customer has this address: give --customer-ref, whose traces are looked for even where nothing was imported.");
    }

    /// <summary>One transaction: the opt-outs that stay for ever, what is looked for (sealed), and the run.</summary>
    /// <param name="by">who asks, as the audit names those who act</param>
    public async Task<JobRequest> RequestAsync(Guid customer, ErasureAsked asked, string by, CancellationToken cancellationToken = default)
    {
        await sealer.ReadyAsync(cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync(Lock);
        var open = await connection.QuerySingleOrDefaultAsync<byte[]?>(SelectOpen, new { customer });
        var traces = Union(await TracesAsync(connection, customer, asked, cancellationToken), open is null ? null : Open(sealer, customer, open));
        await suppressions.AddAsync(connection, [.. KeysOf(customer, traces).Select(key => new SuppressionEntry(key, null, SuppressionEntry.Erased, "erasure", by))]);
        await connection.ExecuteAsync(Upsert, new { customer, by, traces = sealer.Seal(traces.ToBytes(), customer.ToByteArray()) });
        var request = new JobRequest(EraseCustomer.JobKind, FormattableString.Invariant($"erase/{customer}/{await connection.ExecuteScalarAsync<string>("select txid_current()::text")}"), new EraseRequest(customer), MaxAttempts: 10);
        await queue.EnqueueAsync(request, connection);
        await AuditLog.AddAsync(connection, new AuditEntry(by, "erase.request", "customer", customer.ToString()));
        await transaction.CommitAsync(cancellationToken);
        return request;
    }

    internal static PersonTraces Open(Sealer sealer, Guid customer, byte[] box) => PersonTraces.FromBytes(sealer.Open(box, customer.ToByteArray()));

    private async Task<PersonTraces> TracesAsync(NpgsqlConnection connection, Guid customer, ErasureAsked asked, CancellationToken cancellationToken)
    {
        var known = new List<CustomerIdentifier>();
        await foreach (var identifier in identifiers.ReadAsync(connection, [customer], AllKinds, cancellationToken))
            known.Add(identifier);
        // What an earlier erasure has written instead of a key is no trace.
        var keys = (await connection.QueryAsync<string>(SelectKeys, new { customer })).Where(key => CustomerHash.Of(key) == customer);
        return new PersonTraces(
            [.. keys.Append(asked.CustomerRef?.Trim()).OfType<string>().Where(key => CustomerHash.Of(key) == customer).Distinct(StringComparer.Ordinal)],
            Of(known, asked.Email is null ? null : Canonical.Email(asked.Email), IdentifierKind.Email),
            Of(known, asked.Phone is null ? null : Canonical.Phone(asked.Phone, asked.DefaultCountry), IdentifierKind.Phone),
            Of(known, null, IdentifierKind.Maid), Of(known, null, IdentifierKind.FirstName, IdentifierKind.LastName));
    }

    private static string[] Of(IReadOnlyList<CustomerIdentifier> known, string? asked, params IdentifierKind[] kinds) =>
        [.. known.Where(one => kinds.Contains(one.Kind)).Select(one => one.Value).Append(asked).OfType<string>().Distinct(StringComparer.Ordinal)];

    private IEnumerable<SuppressionKey> KeysOf(Guid customer, PersonTraces traces) =>
    [
        SuppressionKey.Of(customer),
        .. traces.Emails.Select(email => SuppressionKey.Email(sealer.BlindIndex(IdentifierKind.Email, email))),
        .. traces.Phones.Select(phone => SuppressionKey.Phone(sealer.BlindIndex(IdentifierKind.Phone, phone))),
        .. traces.Others.Select(maid => new SuppressionKey("maid", null, sealer.BlindIndex(IdentifierKind.Maid, maid))),
    ];

    private static PersonTraces Union(PersonTraces one, PersonTraces? other) => other is null ? one : new(
        [.. one.Keys.Union(other.Keys)], [.. one.Emails.Union(other.Emails)], [.. one.Phones.Union(other.Phones)],
        [.. one.Others.Union(other.Others)], [.. one.Names.Union(other.Names)]);
}
