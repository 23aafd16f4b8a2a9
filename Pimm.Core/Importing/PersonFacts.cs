using System.Text;
using Dapper;
using Npgsql;
using Pimm.Core.Identifying;
using Pimm.Core.Suppressing;

namespace Pimm.Core.Importing;

/// <summary>Keeps what a file says of persons beside their attributes until the file is finished; only then does it count.</summary>
public sealed class PersonFactsStore(IdentifierStore identifiers, ConsentStore consents, TimeProvider time)
{
    private const int ConsentsAtOnce = 10_000;

    private const string StageConsents =
        """
        insert into import_consent(import_file_id, customer, purpose, channel, granted, at, source)
        select @importFileId, t.* from unnest(@customers::uuid[], @purposes::text[], @channels::text[], @grants::boolean[], @times::timestamptz[], @sources::text[]) as t
        """;

    private const string SelectConsents =
        """
        select c.number, c.customer, c.purpose, c.channel, c.granted, c.at, c.source
          from import_consent c
         where c.import_file_id = @importFileId and c.number > @after and not exists (select from erasure e where e.customer = c.customer)
         order by c.number limit @limit
        """;

    private const string Remove =
        """
        delete from import_identifier where import_file_id = @importFileId;
        delete from import_consent where import_file_id = @importFileId;
        """;

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>In the chunk's transaction.</summary>
    internal async Task StageAsync(NpgsqlConnection connection, long importFileId, List<CustomerIdentifier> found, List<ConsentRecord> said)
    {
        if (found.Count > 0)
        {
            await identifiers.StageAsync(connection, importFileId, found);
        }
        if (said.Count > 0)
        {
            await connection.ExecuteAsync(StageConsents, new
            {
                importFileId, customers = said.Select(r => r.Customer).ToArray(), purposes = said.Select(r => r.Purpose).ToArray(),
                channels = said.Select(r => r.Channel).ToArray(), grants = said.Select(r => r.Granted).ToArray(),
                times = said.Select(r => r.At.ToUniversalTime()).ToArray(), sources = said.Select(r => r.Source).ToArray(),
            });
        }
    }

    /// <summary>In the transaction that finishes the file; what is told of erased customers is dropped.</summary>
    /// <returns>consents that something newer overrules</returns>
    internal async Task<long> LandAsync(NpgsqlConnection connection, long importFileId)
    {
        await identifiers.LandAsync(connection, importFileId);
        var (stale, after) = (0L, 0L);
        while (true)
        {
            var some = (await connection.QueryAsync<StagedConsent>(SelectConsents, new { importFileId, after, limit = ConsentsAtOnce })).AsList();
            if (some.Count == 0)
            {
                break;
            }
            stale += await consents.RecordAsync(connection, [.. some.Select(c => new ConsentRecord(c.Customer, c.Purpose, c.Channel, c.Granted, c.At, c.Source))]);
            after = some[^1].Number;
        }
        await RemoveAsync(connection, importFileId);
        return stale;
    }

    internal Task RemoveAsync(NpgsqlConnection connection, long importFileId) => connection.ExecuteAsync(Remove, new { importFileId });

    private sealed record StagedConsent(long Number, Guid Customer, string Purpose, string Channel, bool Granted, DateTimeOffset At, string Source);
}

/// <summary>Identifiers and consents of a customer file's rows. A value that cannot be used is dropped and said; its row stays.</summary>
internal sealed class PersonFacts
{
    /// <summary>Clocks of sources may be ahead by so much.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    private readonly List<(IdentifierKind Kind, int Place, string Column)> _identifiers;
    private readonly List<ConsentPlace> _consents;
    private readonly string? _country;
    private readonly InstantReader _instants;
    private readonly DateTimeOffset? _time;
    private readonly DateTimeOffset _seenAt;
    private readonly string _source;

    /// <param name="seenAt">when the source said so: the import's time</param>
    public PersonFacts(ImportMapping mapping, ColumnNames names, string source, DateTimeOffset seenAt)
    {
        (_seenAt, _source, _country, _instants) = (seenAt, $"import of {source}", mapping.DefaultCountry, mapping.Instants());
        _time = mapping.Time is { } text && InstantText.TryParse(Encoding.UTF8.GetBytes(text), out var at) ? at : null;
        _identifiers = [.. mapping.Of(RoleKind.Identifier).Select(column => (KindOf(column), names.PlaceOf(column.Column), column.Column))];
        int? Place(RoleKind kind, string? detail) => mapping.Of(kind).FirstOrDefault(c => c.ParsedRole.Detail == detail) is { } column ? names.PlaceOf(column.Column) : null;
        _consents =
        [
            .. from column in mapping.Of(RoleKind.Consent)
               let detail = column.ParsedRole.Detail
               let parts = detail.Split('/')
               select new ConsentPlace(parts[0], parts[1], names.PlaceOf(column.Column), column.Column, Place(RoleKind.ConsentTime, detail), Place(RoleKind.ConsentSource, detail)),
        ];
    }

    private sealed record ConsentPlace(string Purpose, string Channel, int Place, string Column, int? Time, int? Source);

    public bool IsEmpty => _identifiers.Count + _consents.Count == 0;

    public List<CustomerIdentifier> Identifiers { get; } = [];

    public List<ConsentRecord> Consents { get; } = [];

    /// <summary>Takes the current row's facts.</summary>
    public void Take(DelimitedReader file, Guid customer, List<ImportProblem> warnings)
    {
        foreach (var (kind, place, column) in _identifiers)
        {
            TakeIdentifier(file, customer, (kind, place, column), warnings);
        }
        foreach (var consent in _consents)
        {
            TakeConsent(file, customer, consent, warnings);
        }
    }

    public void Clear()
    {
        Identifiers.Clear();
        Consents.Clear();
    }

    private void TakeIdentifier(DelimitedReader file, Guid customer, (IdentifierKind Kind, int Place, string Column) at, List<ImportProblem> warnings)
    {
        var field = file[at.Place].Trim((byte)' ');
        if (field.IsEmpty)
        {
            return;
        }
        var value = Encoding.UTF8.GetString(field);
        if (Canonical.Of(at.Kind, value, _country) is { } canonical)
        {
            Identifiers.Add(new CustomerIdentifier(customer, at.Kind, canonical, _seenAt));
            return;
        }
        var (code, what) = at.Kind switch
        {
            IdentifierKind.Email => (ImportCode.BadEmail, "is no e-mail address"),
            IdentifierKind.Phone => (ImportCode.BadPhone, _country is null ? "is no phone number with its country's code; give --country for numbers without" : $"is no phone number of {_country} and has no other country's code"),
            _ => (ImportCode.BadIdentifier, $"is no {at.Kind} that a channel could match"),
        };
        var masked = IdentifierStore.Masked(at.Kind, value);
        warnings.Add(new ImportProblem(file.Line, at.Column, code, $"'{masked}' {what}; the value was dropped.") { Value = masked, IsWarning = true, Customer = customer });
    }

    private void TakeConsent(DelimitedReader file, Guid customer, ConsentPlace at, List<ImportProblem> warnings)
    {
        var field = file[at.Place].Trim((byte)' ');
        if (field.IsEmpty)
        {
            return;
        }
        if (Granted(field) is not { } granted)
        {
            warnings.Add(Dropped(file, at.Column, customer, $"'{MaskedText.Of(field)}' is neither yes nor no; the consent was dropped."));
            return;
        }
        if (TimeOf(file, at, out var when) is { } wrong)
        {
            warnings.Add(new ImportProblem(file.Line, at.Column, wrong.Code, $"{wrong.Message} The {(granted ? "consent was dropped" : "withdrawal counts from the import on")}.") { IsWarning = true, Customer = customer });
            if (granted)
            {
                return;
            }
            when = _seenAt;
        }
        var source = at.Source is { } place && !file[place].IsEmpty ? Encoding.UTF8.GetString(file[place]) : _source;
        Consents.Add(new ConsentRecord(customer, at.Purpose, at.Channel, granted, when, source));
    }

    /// <returns>null, or what is wrong with the time</returns>
    private (string Code, string Message)? TimeOf(DelimitedReader file, ConsentPlace at, out DateTimeOffset when)
    {
        when = _time ?? default;
        if (at.Time is { } time && (file[time].IsEmpty ? _time is null : _instants.Read(file[time], file.Line, at.Column, out when) is not null))
        {
            return (ImportCode.BadConsent, $"the consent's time is '{MaskedText.Of(file[time])}'; {InstantText.Expected}");
        }
        // Nothing that is said later would ever overrule it.
        return when <= _seenAt + ClockSkew ? null : (ImportCode.FutureTime, "the consent's time lies in the future; write when it was given.");
    }

    private static ImportProblem Dropped(DelimitedReader file, string column, Guid customer, string message) =>
        new(file.Line, column, ImportCode.BadConsent, message) { IsWarning = true, Customer = customer };

    private static bool? Granted(ReadOnlySpan<byte> field) => Encoding.UTF8.GetString(field[..Math.Min(field.Length, 20)]).ToLowerInvariant() switch
    {
        "1" or "true" or "yes" or "y" or "t" or "granted" or "in" or "opted-in" or "opt-in" or "subscribed" => true,
        "0" or "false" or "no" or "n" or "f" or "denied" or "withdrawn" or "out" or "opted-out" or "opt-out" or "unsubscribed" => false,
        _ => null,
    };

    private static IdentifierKind KindOf(ColumnMapping column) => column.ParsedRole.Detail switch
    {
        "email" => IdentifierKind.Email,
        "phone" => IdentifierKind.Phone,
        "first-name" => IdentifierKind.FirstName,
        "last-name" => IdentifierKind.LastName,
        "country" => IdentifierKind.Country,
        "zip" => IdentifierKind.Zip,
        "maid" => IdentifierKind.Maid,
        _ => throw new InputException($"'{column.Role}' is no kind of identifier; choose email, phone, first-name, last-name, country, zip or maid.") { Code = ImportCode.BadMapping },
    };
}
