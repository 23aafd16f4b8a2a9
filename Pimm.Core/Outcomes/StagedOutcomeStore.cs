using Dapper;
using Npgsql;
using NpgsqlTypes;
using Pimm.Core.Database;

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

    private const string Target =
        "staged_outcome (line, event_id, kind, customer, audience_id, campaign_id, wave_date, stage, occurred_at, amount, currency, weak, corrects, void)";

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
        await connection.ExecuteAsync(Create);
        await BulkCopy.WriteAsync(connection, Target, events, Write, cancellationToken);
    }

    private static void Write(NpgsqlBinaryImporter import, PlacedEvent row)
    {
        var said = row.Event;
        var ofImpression = said.Kind != OutcomeKind.Outcome;
        import.Write((long)said.Index, NpgsqlDbType.Bigint);
        import.Write(row.EventId, NpgsqlDbType.Text);
        import.Write((short)said.Kind, NpgsqlDbType.Smallint);
        import.Write(said.Customer, NpgsqlDbType.Uuid);
        import.Write(row.AudienceId, NpgsqlDbType.Bigint);
        WriteOrNull(import, ofImpression ? said.Campaign : null, NpgsqlDbType.Bigint);
        WriteOrNull(import, said.Wave, NpgsqlDbType.Date);
        WriteOrNull(import, row.Stage, NpgsqlDbType.Smallint);
        import.Write(said.OccurredAt.UtcDateTime, NpgsqlDbType.TimestampTz);
        WriteOrNull(import, said.Amount, NpgsqlDbType.Double);
        WriteText(import, said.Currency);
        import.Write(row.IsWeak, NpgsqlDbType.Boolean);
        WriteText(import, said.Corrects);
        import.Write(said.Void, NpgsqlDbType.Boolean);
    }

    private static void WriteOrNull<T>(NpgsqlBinaryImporter import, T? value, NpgsqlDbType type) where T : struct
    {
        if (value is { } given)
        {
            import.Write(given, type);
        }
        else
        {
            import.WriteNull();
        }
    }

    private static void WriteText(NpgsqlBinaryImporter import, string? value)
    {
        if (value is not null)
        {
            import.Write(value, NpgsqlDbType.Text);
        }
        else
        {
            import.WriteNull();
        }
    }
}
