using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using Dapper;
using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Core.Identifying;

/// <summary>Identifiers of customers, sealed one by one. Found by their blind index, read by those who write lists.</summary>
public sealed class IdentifierStore(NpgsqlDataSource database, Sealer sealer)
{
    private const string CreateStaging =
        "create temporary table if not exists identifier_staging (customer uuid, kind smallint, blind_index bytea, sealed bytea, seen_at timestamptz)";

    private const string SaveStaged =
        """
        insert into customer_identifier(customer, kind, blind_index, sealed, seen_at)
        select distinct on (customer, kind) customer, kind, blind_index, sealed, seen_at from identifier_staging order by customer, kind, seen_at desc
        on conflict (customer, kind) do update set blind_index = excluded.blind_index, sealed = excluded.sealed, seen_at = excluded.seen_at
         where customer_identifier.seen_at <= excluded.seen_at
        """;

    private const string SaveOfFile =
        """
        insert into customer_identifier(customer, kind, blind_index, sealed, seen_at)
        select distinct on (i.customer, i.kind) i.customer, i.kind, i.blind_index, i.sealed, i.seen_at
          from import_identifier i
         where i.import_file_id = @importFileId and not exists (select from erasure e where e.customer = i.customer)
         order by i.customer, i.kind, i.seen_at desc
        on conflict (customer, kind) do update set blind_index = excluded.blind_index, sealed = excluded.sealed, seen_at = excluded.seen_at
         where customer_identifier.seen_at <= excluded.seen_at
        """;

    private const string SelectCustomers = "select customer from customer_identifier where kind = @kind and blind_index = @blindIndex order by customer";

    private const string SelectIdentifiers =
        "select customer, kind, sealed, seen_at from customer_identifier where customer = any(@customers) and kind = any(@kinds) order by customer, kind";

    /// <summary>Adds what is new and replaces what is older, in the caller's transaction if it has one. Of two for one customer and kind the newer is kept.</summary>
    public async Task SaveAsync(NpgsqlConnection connection, IReadOnlyList<CustomerIdentifier> identifiers, CancellationToken cancellationToken = default)
    {
        if (identifiers.Count == 0)
            return;
        await sealer.ReadyAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(CreateStaging, cancellationToken: cancellationToken));
        await connection.ExecuteAsync(new CommandDefinition("truncate identifier_staging", cancellationToken: cancellationToken));
        await BulkCopy.WriteAsync(connection, "identifier_staging (customer, kind, blind_index, sealed, seen_at)", identifiers, Write, cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(SaveStaged, cancellationToken: cancellationToken));
        await connection.ExecuteAsync(new CommandDefinition("truncate identifier_staging", cancellationToken: cancellationToken));
    }

    /// <summary>Keeps what a file that is not finished says, in the caller's transaction: sealed, and of no effect before <see cref="LandAsync"/>.</summary>
    public async Task StageAsync(NpgsqlConnection connection, long importFileId, IReadOnlyList<CustomerIdentifier> identifiers, CancellationToken cancellationToken = default)
    {
        await sealer.ReadyAsync(cancellationToken);
        await BulkCopy.WriteAsync(connection, "import_identifier (import_file_id, customer, kind, blind_index, sealed, seen_at)", identifiers, (import, identifier) =>
        {
            import.Write(importFileId);
            Write(import, identifier);
        }, cancellationToken);
    }

    /// <summary>What <see cref="StageAsync"/> kept of a file is known from now on, but for erased customers'; in the caller's transaction.</summary>
    public Task LandAsync(NpgsqlConnection connection, long importFileId, CancellationToken cancellationToken = default) =>
        connection.ExecuteAsync(new CommandDefinition(SaveOfFile, new { importFileId }, commandTimeout: 0, cancellationToken: cancellationToken));

    /// <summary>Whose identifier this is; several customers may share one.</summary>
    /// <param name="blindIndex"><see cref="Sealer.BlindIndex"/> of the canonical value</param>
    public async Task<IReadOnlyList<Guid>> FindCustomersAsync(IdentifierKind kind, byte[] blindIndex, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<Guid>(new CommandDefinition(SelectCustomers, new { kind = (short)kind, blindIndex }, cancellationToken: cancellationToken))];
    }

    /// <summary>Opened, by customer and kind. Whoever calls this discloses identifiers and says so in the audit.</summary>
    public async IAsyncEnumerable<CustomerIdentifier> ReadAsync(
        NpgsqlConnection connection, IReadOnlyCollection<Guid> customers, IReadOnlyCollection<IdentifierKind> kinds, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await sealer.ReadyAsync(cancellationToken);
        await using var command = new NpgsqlCommand(SelectIdentifiers, connection);
        command.Parameters.AddWithValue("customers", customers.ToArray());
        command.Parameters.AddWithValue("kinds", kinds.Select(kind => (short)kind).ToArray());
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        while (await rows.ReadAsync(cancellationToken))
        {
            var (customer, kind) = (rows.GetGuid(0), (IdentifierKind)rows.GetInt16(1));
            yield return new CustomerIdentifier(customer, kind, Open(customer, kind, rows.GetFieldValue<byte[]>(2)), rows.GetFieldValue<DateTimeOffset>(3));
        }
    }

    /// <summary>The value of one row that was read elsewhere, for example by COPY. After <see cref="Sealer.ReadyAsync"/>.</summary>
    public string Open(Guid customer, IdentifierKind kind, byte[] box)
    {
        Span<byte> context = stackalloc byte[ContextBytes];
        FillContext(context, customer, kind);
        return Encoding.UTF8.GetString(sealer.Open(box, context));
    }

    /// <summary>What may be shown and logged: <c>j•••@e•••.com</c>, <c>+49•••••123</c>, <c>M•••</c>.</summary>
    public static string Masked(IdentifierKind kind, string value) => kind switch
    {
        IdentifierKind.Email => Mask.Email(value),
        IdentifierKind.Phone => Mask.Phone(value),
        // What is no country may be a cell of another column.
        IdentifierKind.Country when Canonical.Country(value) is not null => value,
        _ => Mask.Rest(value),
    };

    private void Write(CopyWriter import, CustomerIdentifier identifier)
    {
        Span<byte> context = stackalloc byte[ContextBytes];
        FillContext(context, identifier.Customer, identifier.Kind);
        import.Write(identifier.Customer);
        import.Write((short)identifier.Kind);
        if (identifier.Kind is IdentifierKind.Email or IdentifierKind.Phone or IdentifierKind.Maid)
            import.Write(sealer.BlindIndex(identifier.Kind, identifier.Value));
        else
            import.WriteNull();
        import.Write(sealer.Seal(Encoding.UTF8.GetBytes(identifier.Value), context));
        import.Write(identifier.SeenAt.ToUniversalTime());
    }

    private const int ContextBytes = 18;

    // A row that is moved to another customer, or another kind, does not open.
    private static void FillContext(Span<byte> context, Guid customer, IdentifierKind kind)
    {
        customer.TryWriteBytes(context, bigEndian: true, out _);
        BinaryPrimitives.WriteInt16BigEndian(context[16..], (short)kind);
    }
}
