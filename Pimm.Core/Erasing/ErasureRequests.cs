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

    // Sealed in a file that is not finished: known of nobody yet, and to be erased all the same.
    private const string SelectWaiting = "select distinct customer from import_identifier where blind_index = @blindIndex and kind = @kind order by customer";

    private const string SelectSharing =
        """
        select distinct o.customer from customer_identifier i join customer_identifier o on o.blind_index = i.blind_index
         where i.customer = any(@customers) and o.customer <> all(@customers) order by 1
        """;

    private const string Lock = "select pg_advisory_xact_lock(hashtextextended('erasure', 0))";

    /// <summary>Whom the wish may mean: several customers may share an address.</summary>
    /// <exception cref="InputException">nobody is named, the name cannot be one, nobody has the address, or another customer than the one named has it</exception>
    public async Task<IReadOnlyList<Guid>> FindAsync(ErasureAsked asked, CancellationToken cancellationToken = default)
    {
        await sealer.ReadyAsync(cancellationToken);
        var (email, phone) = Addresses(asked);
        if (asked.CustomerRef is { } reference)
        {
            var person = CustomerHash.Of(reference.Trim());
            await RefuseOthersAsync(person, IdentifierKind.Email, email, cancellationToken);
            await RefuseOthersAsync(person, IdentifierKind.Phone, phone, cancellationToken);
            return [person];
        }
        if (email is null && phone is null)
            throw new InputException("Say who is to be erased: give --customer-ref, --email or --phone.");
        var found = new HashSet<Guid>();
        foreach (var (kind, address) in new[] { (IdentifierKind.Email, email), (IdentifierKind.Phone, phone) })
        {
            if (address is not null)
                found.UnionWith(await OwnersAsync(kind, sealer.BlindIndex(kind, address), cancellationToken));
        }
        return found.Count > 0 ? [.. found.Order()]
            : throw new InputException("No customer has this address: give --customer-ref, whose traces are looked for even where nothing was imported.");
    }

    private async Task<IReadOnlyList<Guid>> OwnersAsync(IdentifierKind kind, byte[] blindIndex, CancellationToken cancellationToken)
    {
        if (await identifiers.FindCustomersAsync(kind, blindIndex, cancellationToken) is { Count: > 0 } known)
            return known;
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<Guid>(new CommandDefinition(SelectWaiting, new { kind = (short)kind, blindIndex }, cancellationToken: cancellationToken))];
    }

    /// <summary>Whether a customer stands in an audience, under whichever key.</summary>
    public async Task<bool> IsKnownAsync(Guid customer, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<string?>(new CommandDefinition(SelectKeys, new { customer }, cancellationToken: cancellationToken)) is not null;
    }

    /// <summary>Other customers with an address, number or device of these: the erasure's opt-outs bar it for them too.</summary>
    public async Task<IReadOnlyList<Guid>> SharingAsync(IReadOnlyCollection<Guid> customers, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<Guid>(new CommandDefinition(SelectSharing, new { customers = customers.ToArray() }, cancellationToken: cancellationToken))];
    }

    private static (string? Email, string? Phone) Addresses(ErasureAsked asked) => (
        asked.Email is null ? null : Canonical.Email(asked.Email) ?? throw new InputException("--email is no e-mail address: write it as name@example.com."),
        asked.Phone is null ? null : Canonical.Phone(asked.Phone, asked.DefaultCountry)
            ?? throw new InputException("--phone is no phone number: write it with its country's code, as +49 170 1234567."));

    // What is erased with a customer cannot be lifted: nobody else's address may slip in.
    private async Task RefuseOthersAsync(Guid person, IdentifierKind kind, string? address, CancellationToken cancellationToken)
    {
        if (address is null)
            return;
        var owners = await identifiers.FindCustomersAsync(kind, sealer.BlindIndex(kind, address), cancellationToken);
        if (owners.Count > 0 && !owners.Contains(person))
            throw new InputException($"--{(kind == IdentifierKind.Email ? "email" : "phone")} is another customer's and not that of --customer-ref: leave it out, or erase that customer by it alone.");
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
        await suppressions.AddAsync(connection, [.. KeysOf(sealer, customer, traces).Select(key => new SuppressionEntry(key, null, SuppressionEntry.Erased, "erasure", by))]);
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
        var (email, phone) = Addresses(asked);
        return new PersonTraces(
            [.. keys.Append(asked.CustomerRef?.Trim()).OfType<string>().Where(key => CustomerHash.Of(key) == customer).Distinct(StringComparer.Ordinal)],
            Of(known, email, IdentifierKind.Email),
            Of(known, phone, IdentifierKind.Phone),
            Of(known, null, IdentifierKind.Maid), Of(known, null, IdentifierKind.FirstName, IdentifierKind.LastName));
    }

    private static string[] Of(IReadOnlyList<CustomerIdentifier> known, string? asked, params IdentifierKind[] kinds) =>
        [.. known.Where(one => kinds.Contains(one.Kind)).Select(one => one.Value).Append(asked).OfType<string>().Distinct(StringComparer.Ordinal)];

    internal static IEnumerable<SuppressionKey> KeysOf(Sealer sealer, Guid customer, PersonTraces traces) =>
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
