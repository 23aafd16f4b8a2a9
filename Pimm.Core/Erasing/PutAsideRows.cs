using System.Text;
using System.Text.RegularExpressions;
using Dapper;
using Npgsql;
using Pimm.Core.Identifying;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;

namespace Pimm.Core.Erasing;

/// <summary>Sealed rows and events whose customer could not be read when they were put aside: opened one by one and looked through.</summary>
public sealed class PutAsideRows(QuarantineStore quarantine, OutcomeProblemStore outcomes, Sealer sealer)
{
    private const string SelectRows = "select import_file_id, line, sealed from import_problem where customer is null and sealed is not null";

    private const string EraseRow =
        "update import_problem set sealed = null, masked = null, message = 'of an erased customer' where import_file_id = @ImportFileId and line = @Line and customer is null";

    private const string SelectEvents = "select id, source, event_id, sealed from outcome_problem where customer is null";

    private const string DeleteEvents = "delete from outcome_problem where id = any(@ids)";

    /// <summary>In the caller's transaction.</summary>
    /// <returns>how many rows and events named the person</returns>
    public async Task<long> EraseAsync(NpgsqlConnection connection, OpenErasure erasure)
    {
        if (erasure.Traces.Pattern() is not { } pattern)
            return 0;
        await sealer.ReadyAsync();
        var person = new Regex(pattern, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);
        var rows = new List<BadRow>();
        await foreach (var row in connection.QueryUnbufferedAsync<BadRow>(SelectRows))
        {
            if (person.IsMatch(Encoding.UTF8.GetString(quarantine.Open(row.ImportFileId, row.Line, row.Sealed))))
                rows.Add(row);
        }
        var events = new List<long>();
        await foreach (var bad in connection.QueryUnbufferedAsync<BadEvent>(SelectEvents))
        {
            if (person.IsMatch(Encoding.UTF8.GetString(outcomes.Open(bad.Source, new SealedEvent(bad.Id, bad.EventId, 0, bad.Sealed)))))
                events.Add(bad.Id);
        }
        await connection.ExecuteAsync(EraseRow, rows);
        await connection.ExecuteAsync(DeleteEvents, new { ids = events.ToArray() });
        return rows.Count + events.Count;
    }

    private sealed record BadRow(long ImportFileId, long Line, byte[] Sealed);

    private sealed record BadEvent(long Id, string Source, string EventId, byte[] Sealed);
}
