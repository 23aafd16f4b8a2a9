using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace Pimm.Core.Outcomes;

/// <summary>
/// The temporary table staged_outcome, through which all events go: those of a file, whose chunks wait in outcome_staging until all
/// are there, and those of a batch over HTTP. It lives as long as the caller's transaction.
/// </summary>
public sealed class StagedOutcomeStore
{
    // A table of this transaction's own has statistics, whatever autovacuum has come to.
    private const string Create =
        """
        create temporary table staged_outcome (
            line bigint not null, event_id text not null, kind smallint not null, customer uuid not null, audience_id bigint not null, campaign_id bigint,
            wave_date date, stage smallint, occurred_at timestamptz not null, amount double precision, currency text, weak boolean not null default false,
            corrects text, void boolean not null default false) on commit drop
        """;

    private const string Fill =
        """
        insert into staged_outcome(line, event_id, kind, customer, audience_id, campaign_id, wave_date, stage, occurred_at, amount)
        select line, event_id, kind, customer, @audienceId, campaign_id, wave_date, stage, occurred_at, amount from outcome_staging where import_file_id = @importFileId
        """;

    private const string CountWaiting = "select count(*) from outcome_staging where import_file_id = @importFileId";

    private const string DeleteWaiting = "delete from outcome_staging where import_file_id = @importFileId";

    private const string Index = "create index on staged_outcome (customer); analyze staged_outcome";

    private const string FillEvents =
        """
        insert into staged_outcome(line, event_id, kind, customer, audience_id, campaign_id, wave_date, stage, occurred_at, amount, currency, weak, corrects, void)
        select * from unnest(@lines::bigint[], @events::text[], @kinds::smallint[], @customers::uuid[], @audiences::bigint[], @campaigns::bigint[], @waves::date[],
                             @stages::smallint[], @times::timestamptz[], @amounts::double precision[], @currencies::text[], @weak::boolean[], @corrects::text[], @voids::boolean[])
        """;

    public async Task<long> CountWaitingAsync(NpgsqlConnection connection, long importFileId) =>
        await connection.ExecuteScalarAsync<long>(CountWaiting, new { importFileId });

    public Task RemoveWaitingAsync(NpgsqlConnection connection, long importFileId) => connection.ExecuteAsync(DeleteWaiting, new { importFileId });

    /// <summary>Brings a file's waiting rows into the table.</summary>
    public async Task StageFileAsync(NpgsqlConnection connection, long importFileId, long audienceId)
    {
        await connection.ExecuteAsync(Create);
        await connection.ExecuteAsync(Fill, new { importFileId, audienceId });
        await RemoveWaitingAsync(connection, importFileId);
        await connection.ExecuteAsync(Index);
    }

    /// <summary>Brings a batch into the table; the line of a row is its event's index.</summary>
    internal static async Task StageEventsAsync(NpgsqlConnection connection, IReadOnlyList<PlacedEvent> events, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"{Create};\n{FillEvents}", connection);
        Add("lines", NpgsqlDbType.Bigint, row => (long)row.Event.Index);
        Add("events", NpgsqlDbType.Text, row => row.EventId);
        Add("kinds", NpgsqlDbType.Smallint, row => (short)row.Event.Kind);
        Add("customers", NpgsqlDbType.Uuid, row => row.Event.Customer);
        Add("audiences", NpgsqlDbType.Bigint, row => row.AudienceId);
        Add("campaigns", NpgsqlDbType.Bigint, row => row.Event.Kind == OutcomeKind.Outcome ? null : row.Event.Campaign);
        Add("waves", NpgsqlDbType.Date, row => row.Event.Wave);
        Add("stages", NpgsqlDbType.Smallint, row => row.Stage);
        Add("times", NpgsqlDbType.TimestampTz, row => row.Event.OccurredAt.UtcDateTime);
        Add("amounts", NpgsqlDbType.Double, row => row.Event.Amount);
        Add("currencies", NpgsqlDbType.Text, row => row.Event.Currency);
        Add("weak", NpgsqlDbType.Boolean, row => row.IsWeak);
        Add("corrects", NpgsqlDbType.Text, row => row.Event.Corrects);
        Add("voids", NpgsqlDbType.Boolean, row => row.Event.Void);
        await command.ExecuteNonQueryAsync(cancellationToken);

        void Add<T>(string name, NpgsqlDbType type, Func<PlacedEvent, T> value)
        {
            var values = new T[events.Count];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = value(events[i]);
            }
            command.Parameters.Add(new NpgsqlParameter<T[]>(name, NpgsqlDbType.Array | type) { TypedValue = values });
        }
    }
}
