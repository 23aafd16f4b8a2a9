using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Npgsql;

namespace Pimm.Core.Database;

/// <summary>
/// Rows to and from PostgreSQL by binary COPY, streamed: memory stays flat whatever the number of rows.
/// The callback writes or reads one row's columns in the order of the statement, with exact types. The format is read and written here
/// and not by Npgsql's importer, which looks a value's type up for every column of every row.
/// </summary>
public static class BulkCopy
{
    /// <summary>Writes rows as one COPY: all of them or none. Runs inside the connection's transaction, if it has one.</summary>
    /// <param name="target">table and columns, for example <c>customer_score (run_id, customer, score)</c></param>
    /// <param name="writeRow">writes every column of one row, in their order</param>
    /// <returns>rows written</returns>
    public static Task<long> WriteAsync<T>(
        NpgsqlConnection connection, string target, IEnumerable<T> rows, Action<CopyWriter, T> writeRow, CancellationToken cancellationToken) =>
        CopyInAsync(connection, target, writer =>
        {
            foreach (var row in rows)
            {
                Check(writer.Rows, cancellationToken);
                writer.StartRow();
                writeRow(writer, row);
            }
            return Task.CompletedTask;
        }, cancellationToken);

    /// <summary>As <see cref="WriteAsync{T}(NpgsqlConnection, string, IEnumerable{T}, Action{CopyWriter, T}, CancellationToken)"/>, from a stream of rows.</summary>
    public static Task<long> WriteAsync<T>(
        NpgsqlConnection connection, string target, IAsyncEnumerable<T> rows, Action<CopyWriter, T> writeRow, CancellationToken cancellationToken) =>
        CopyInAsync(connection, target, async writer =>
        {
            await foreach (var row in rows.WithCancellation(cancellationToken))
            {
                writer.StartRow();
                writeRow(writer, row);
            }
        }, cancellationToken);

    /// <summary>Reads rows as one COPY, in the order of the query.</summary>
    /// <param name="source">table and columns, or a query in brackets: <c>(select customer, score from … order by customer)</c></param>
    /// <param name="readRow">reads every column of one row, in their order</param>
    public static async IAsyncEnumerable<T> ReadAsync<T>(
        NpgsqlConnection connection, string source, Func<CopyReader, T> readRow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var stream = await BeginAsync(connection, $"copy {source} to stdout (format binary)", cancellationToken);
        var reader = new CopyReader(stream);
        reader.ReadHeader();
        for (var row = 0L; reader.StartRow(); row++)
        {
            Check(row, cancellationToken);
            yield return readRow(reader);
        }
        reader.ReadEnd();
    }

    /// <summary>Reads all rows as one COPY, in the order of the query, without the cost of a stream's step for each.</summary>
    /// <param name="add">takes each row</param>
    public static async Task ReadAllAsync<T>(NpgsqlConnection connection, string source, Func<CopyReader, T> readRow, Action<T> add, CancellationToken cancellationToken)
    {
        await using var stream = await BeginAsync(connection, $"copy {source} to stdout (format binary)", cancellationToken);
        var reader = new CopyReader(stream);
        reader.ReadHeader();
        for (var row = 0L; reader.StartRow(); row++)
        {
            Check(row, cancellationToken);
            add(readRow(reader));
        }
        reader.ReadEnd();
    }

    private static async Task<long> CopyInAsync(NpgsqlConnection connection, string target, Func<CopyWriter, Task> write, CancellationToken cancellationToken)
    {
        var stream = await BeginAsync(connection, $"copy {target} from stdin (format binary)", cancellationToken);
        var writer = new CopyWriter(stream);
        try
        {
            await write(writer);
            writer.Finish();
        }
        catch
        {
            await WithdrawAsync(stream);
            throw;
        }
        // The server answers now: whatever it has against the rows comes out here.
        await stream.DisposeAsync();
        return Counted(target, writer.Rows);
    }

    private static async Task WithdrawAsync(NpgsqlRawCopyStream stream)
    {
        try
        {
            await stream.CancelAsync();
        }
        catch (Exception second) when (second is NpgsqlException or IOException or ObjectDisposedException)
        {
            // The server had ended the COPY or the connection itself; why it came to that is thrown by the caller.
        }
    }

    // A COPY takes as long as its rows; the time-outs of statements are back when the connection returns to its pool. Only a query's first
    // row has to come within the connection's own time-out, which Npgsql sets no other way.
    private static async Task<NpgsqlRawCopyStream> BeginAsync(NpgsqlConnection connection, string statement, CancellationToken cancellationToken)
    {
        await using (var command = new NpgsqlCommand("set statement_timeout = 0", connection))
        {
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        var stream = await connection.BeginRawBinaryCopyAsync(statement, cancellationToken);
        (stream.ReadTimeout, stream.WriteTimeout) = (Timeout.Infinite, Timeout.Infinite);
        return stream;
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
    private static void Check(long row, CancellationToken cancellationToken)
    {
        if (row % 1_024 == 1_023)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
