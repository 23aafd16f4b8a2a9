using System.Text.Json;
using Dapper;
using Npgsql;
using Pimm.Core.Auditing;
using Pimm.Core.Identifying;
using Pimm.Core.Importing;
using Pimm.Core.Suppressing;

namespace Pimm.Core.Erasing;

/// <param name="Kind">of IdentifierKind</param>
/// <param name="Masked">enough to recognise, too little to contact</param>
public sealed record MaskedIdentifier(IdentifierKind Kind, string Masked, DateTimeOffset SeenAt);

/// <summary>What an audience holds of a person.</summary>
/// <param name="Version">the newest that holds the person; null: only impressions of the past do</param>
/// <param name="Impressions">of the past, in its training history</param>
public sealed record PersonInAudience(long Id, string Name, int? Version, IReadOnlyDictionary<string, string?> Attributes, long Impressions);

/// <summary>All that is known of one customer.</summary>
/// <param name="Erasure">null: nobody asked for it</param>
public sealed record PersonRecord(
    Guid Customer, IReadOnlyList<MaskedIdentifier> Identifiers, IReadOnlyList<PersonInAudience> Audiences, IReadOnlyList<ConsentState> Consents, IReadOnlyList<Suppression> OptOuts,
    IReadOnlyList<PersonCampaign> Campaigns, IReadOnlyList<PersonOutcomes> Outcomes, Erasure? Erasure)
{
    public bool IsEmpty => Identifiers.Count + Audiences.Count + Consents.Count + OptOuts.Count + Campaigns.Count + Outcomes.Count == 0 && Erasure is null;
}

/// <summary>Answers what is known of a person. Every answer is a disclosure and stands in the audit log before it is read.</summary>
public sealed class PersonRecords(NpgsqlDataSource database, IdentifierStore identifiers, OptOuts optOuts, ConsentStore consents, PrivacyStore privacy)
{
    private const int MostAudiences = 200;

    private const string SelectAudiences =
        "select id, name, key_column, columns::text, funnel, simulated, created_at from audience order by id desc limit @limit";

    private const string SelectErasure =
        "select customer, requested_at, requested_by, finished_at, counts::text from erasure where customer = @customer";

    /// <summary>The customers that a key, an address or a number is of.</summary>
    public async Task<IReadOnlyList<Guid>> CustomersAsync(SuppressionKey key, CancellationToken cancellationToken = default) => key.Customer is { } customer ? [customer]
        : await identifiers.FindCustomersAsync(key.Kind == "email" ? IdentifierKind.Email : IdentifierKind.Phone, key.BlindIndex!, cancellationToken);

    /// <param name="by">who asks, as the audit names those who act</param>
    public async Task<PersonRecord> ReadAsync(Guid customer, string by, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await AuditLog.AddAsync(connection, new AuditEntry(by, "privacy.look", "customer", customer.ToString()));
        return new PersonRecord(
            customer, await IdentifiersAsync(connection, customer, cancellationToken), await AudiencesAsync(connection, customer, cancellationToken),
            await consents.OfAsync(customer, cancellationToken), await optOuts.CheckAsync(SuppressionKey.Of(customer), cancellationToken),
            await privacy.CampaignsAsync(customer, cancellationToken), await privacy.OutcomesAsync(customer, cancellationToken),
            await connection.QuerySingleOrDefaultAsync<Erasure>(new CommandDefinition(SelectErasure, new { customer }, cancellationToken: cancellationToken)));
    }

    private async Task<IReadOnlyList<MaskedIdentifier>> IdentifiersAsync(NpgsqlConnection connection, Guid customer, CancellationToken cancellationToken)
    {
        var masked = new List<MaskedIdentifier>();
        await foreach (var identifier in identifiers.ReadAsync(connection, [customer], Enum.GetValues<IdentifierKind>(), cancellationToken))
        {
            masked.Add(new MaskedIdentifier(identifier.Kind, IdentifierStore.Masked(identifier.Kind, identifier.Value), identifier.SeenAt));
        }

        return masked;
    }

    private static async Task<IReadOnlyList<PersonInAudience>> AudiencesAsync(NpgsqlConnection connection, Guid customer, CancellationToken cancellationToken)
    {
        var found = new List<PersonInAudience>();
        foreach (var audience in await connection.QueryAsync<Audience>(new CommandDefinition(SelectAudiences, new { limit = MostAudiences }, cancellationToken: cancellationToken)))
        {
            var row = await connection.QuerySingleOrDefaultAsync<(int Version, string Attributes)?>(new CommandDefinition(
                $"select version, (to_jsonb(c) - array['customer', 'customer_key', 'version'])::text from {audience.CustomersTable} c where customer = @customer order by version desc limit 1",
                new { customer }, cancellationToken: cancellationToken));
            var impressions = await connection.ExecuteScalarAsync<long>(new CommandDefinition(
                $"select count(*) from {audience.HistoryTable} where customer = @customer", new { customer }, commandTimeout: 120, cancellationToken: cancellationToken));
            if (row is not null || impressions > 0)
            {
                found.Add(new PersonInAudience(audience.Id, audience.Name, row?.Version, row is { } known ? Texts(known.Attributes) : new Dictionary<string, string?>(), impressions));
            }
        }

        return found;
    }

    private static Dictionary<string, string?> Texts(string json) =>
        JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(json)!.ToDictionary(one => one.Key, one => one.Value.ValueKind == JsonValueKind.Null ? null : one.Value.ToString());
}
