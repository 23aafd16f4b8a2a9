using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Npgsql;

namespace Pimm.Core.Database;

/// <summary>
/// Rows to and from PostgreSQL by binary COPY, streamed: memory stays flat whatever the number of rows.
/// The callback writes or reads one row's columns in the order of the statement, with exact types.
/// </summary>
public static class BulkCopy
{
    /// <summary>Writes rows as one COPY: all of them or none. Runs inside the connection's transaction, if it has one.</summary>
    /// <param name="target">table and columns, for example <c>customer_score (run_id, customer, score)</c></param>
    /// <param name="writeRow">writes every column of one row; StartRow is done already</param>
    /// <returns>rows written</returns>
    public static async Task<long> WriteAsync<T>(
        NpgsqlConnection connection, string target, IEnumerable<T> rows, Action<NpgsqlBinaryImporter, T> writeRow, CancellationToken cancellationToken)
    {
        await TakeTimeAsync(connection, cancellationToken);
        await using var importer = await connection.BeginBinaryImportAsync($"copy {target} from stdin (format binary)", cancellationToken);
        var sinceCheck = 0;
        foreach (var row in rows)
        {
            if (++sinceCheck == RowsBetweenChecks)
            {
                cancellationToken.ThrowIfCancellationRequested();
                sinceCheck = 0;
            }
            importer.StartRow();
            writeRow(importer, row);
        }
        return Counted(target, checked((long)await importer.CompleteAsync(cancellationToken)));
    }

    /// <summary>As <see cref="WriteAsync{T}(NpgsqlConnection, string, IEnumerable{T}, Action{NpgsqlBinaryImporter, T}, CancellationToken)"/>, from a stream of rows.</summary>
    public static async Task<long> WriteAsync<T>(
        NpgsqlConnection connection, string target, IAsyncEnumerable<T> rows, Action<NpgsqlBinaryImporter, T> writeRow, CancellationToken cancellationToken)
    {
        await TakeTimeAsync(connection, cancellationToken);
        await using var importer = await connection.BeginBinaryImportAsync($"copy {target} from stdin (format binary)", cancellationToken);
        await foreach (var row in rows.WithCancellation(cancellationToken))
        {
            importer.StartRow();
            writeRow(importer, row);
        }
        return Counted(target, checked((long)await importer.CompleteAsync(cancellationToken)));
    }

    /// <summary>Reads rows as one COPY, in the order of the query.</summary>
    /// <param name="source">table and columns, or a query in brackets: <c>(select customer, score from … order by customer)</c></param>
    /// <param name="readRow">reads every column of one row; StartRow is done already</param>
    public static async IAsyncEnumerable<T> ReadAsync<T>(
        NpgsqlConnection connection, string source, Func<NpgsqlBinaryExporter, T> readRow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await TakeTimeAsync(connection, cancellationToken);
        await using var exporter = await connection.BeginBinaryExportAsync($"copy {source} to stdout (format binary)", cancellationToken);
        var sinceCheck = 0;
        while (exporter.StartRow() >= 0)
        {
            if (++sinceCheck == RowsBetweenChecks)
            {
                cancellationToken.ThrowIfCancellationRequested();
                sinceCheck = 0;
            }
            yield return readRow(exporter);
        }
    }

    // A COPY takes as long as its rows; the time-out of statements is back when the connection returns to its pool.
    private static async Task TakeTimeAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("set statement_timeout = 0", connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static long Counted(string target, long rows)
    {
        // audience.customers_7 (…) counts as customers.
        var table = target.Split(' ', '(')[0].Split('.')[^1].Trim('"').TrimEnd("0123456789".ToCharArray()).TrimEnd('_');
        RowsWritten.Add(rows, new KeyValuePair<string, object?>("table", table));
        return rows;
    }

    private static readonly Counter<long> RowsWritten = PimmMeter.Meter.CreateCounter<long>("pimm.rows.written", "{row}", "rows written in bulk, by table: scores, customers, history, labels");

    // A token costs a volatile read a row; once in a thousand rows is far below a second.
    private const int RowsBetweenChecks = 1_000;
}
