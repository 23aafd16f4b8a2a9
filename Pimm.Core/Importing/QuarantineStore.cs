using System.Buffers.Binary;
using System.Text;
using Dapper;
using Npgsql;
using Pimm.Core.Identifying;

namespace Pimm.Core.Importing;

/// <summary>Bad rows of files: kept sealed, because they may hold identifiers, and written out to be mended and sent again.</summary>
public sealed class QuarantineStore(NpgsqlDataSource database, Sealer sealer)
{
    private const string Insert =
        """
        insert into import_problem(import_file_id, line, column_name, code, message, warning, masked, sealed, customer)
        select @id, p.line, p.column_name, p.code, p.message, p.warning, p.masked, p.sealed, p.customer
          from unnest(@lines::bigint[], @columns::text[], @codes::text[], @messages::text[], @warnings::boolean[], @values::text[], @boxes::bytea[], @customers::uuid[])
               as p(line, column_name, code, message, warning, masked, sealed, customer)
        """;

    private const string SelectFile = "select header, delimiter, quarantined from import_file where id = @id and state = 'finished'";

    private const string SelectRows =
        """
        select line, column_name as "column", code, message, masked, sealed from import_problem
         where import_file_id = @id and not warning order by line
        """;

    /// <summary>In the caller's transaction.</summary>
    public async Task AddAsync(NpgsqlConnection connection, long id, IReadOnlyList<ImportProblem> problems)
    {
        if (problems.Count == 0)
        {
            return;
        }
        await sealer.ReadyAsync();
        await connection.ExecuteAsync(Insert, new
        {
            id, lines = problems.Select(p => p.Line).ToArray(), columns = problems.Select(p => p.Column).ToArray(),
            codes = problems.Select(p => p.Code).ToArray(), messages = problems.Select(p => p.Message).ToArray(),
            warnings = problems.Select(p => p.IsWarning).ToArray(), values = problems.Select(p => p.Value).ToArray(),
            boxes = problems.Select(p => p.Raw is null ? null : sealer.Seal(p.Raw, Context(id, p.Line))).ToArray(),
            customers = problems.Select(p => p.Customer).ToArray(),
        });
    }

    /// <summary>
    /// The file's own header and bad rows, with what is wrong behind them: mended it can be imported as it is, the last columns are
    /// left out then. Whoever hands it on discloses identifiers and says so in the audit.
    /// </summary>
    /// <param name="path">of the file to write; packed when it ends in .gz</param>
    /// <returns>rows written, and bad rows that are not among them: beyond the kept ones, or too long, or gone with their time</returns>
    /// <exception cref="InputException">no such import, or one from before bad rows were kept</exception>
    public async Task<(long Written, long Lost)> WriteAsync(long id, string path, CancellationToken cancellationToken = default)
    {
        await sealer.ReadyAsync(cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var file = await connection.QuerySingleOrDefaultAsync<(string? Header, string? Delimiter, long Quarantined)?>(new CommandDefinition(SelectFile, new { id }, cancellationToken: cancellationToken));
        if (file is not { Header: { } header, Delimiter: [var delimiter], Quarantined: var quarantined })
        {
            throw new InputException(file is null ? $"There is no finished import {id}." : $"Import {id} is older than the keeping of bad rows: import its file again.") { Code = ImportCode.NoFile };
        }
        using var output = new DelimitedWriter(path, delimiter);
        var names = RowText.Fields(Encoding.UTF8.GetBytes(header), delimiter);
        WriteRow(output, names, names.Count, [.. ProblemColumns.All]);
        var written = 0L;
        await foreach (var row in connection.QueryUnbufferedAsync<BadRow>(SelectRows, new { id }).WithCancellation(cancellationToken))
        {
            if (row.Sealed is null)
            {
                continue;
            }
            var fields = RowText.Fields(sealer.Open(row.Sealed, Context(id, row.Line)), delimiter);
            string[] behind = [$"{row.Line}", row.Code, row.Column ?? "", row.Masked ?? "", row.Message, ImportCode.Remedy(row.Code)];
            WriteRow(output, fields, names.Count, [.. behind.Select(FormulaEscape.Of)]);
            written++;
        }
        output.Complete();
        return (written, quarantined - written);
    }

    /// <summary>The text of one row; after <see cref="Sealer.ReadyAsync"/>.</summary>
    internal byte[] Open(long id, long line, byte[] box) => sealer.Open(box, Context(id, line));

    private static void WriteRow(DelimitedWriter output, IReadOnlyList<string> fields, int columns, string[] behind)
    {
        foreach (var field in RowText.Fitted(fields, columns))
        {
            output.Write(field);
        }
        foreach (var field in behind)
        {
            output.Write(field);
        }
        output.EndRow();
    }

    private static byte[] Context(long id, long line)
    {
        var context = new byte[16];
        BinaryPrimitives.WriteInt64BigEndian(context, id);
        BinaryPrimitives.WriteInt64BigEndian(context.AsSpan(8), line);
        return context;
    }

    private sealed record BadRow(long Line, string? Column, string Code, string Message, string? Masked, byte[]? Sealed);
}

/// <summary>A row's text as fields, however broken it is.</summary>
internal static class RowText
{
    public static IReadOnlyList<string> Fields(byte[] raw, char delimiter)
    {
        var text = raw.AsSpan().TrimEnd("\r\n"u8);
        if (text.Contains((byte)'"'))
        {
            using var scanner = new DelimitedScanner(new MemoryStream(raw), "row") { Delimiter = (byte)delimiter };
            if (scanner.Next() == ScanOutcome.Record)
            {
                var fields = new string[scanner.FieldCount];
                for (var field = 0; field < fields.Length; field++)
                {
                    fields[field] = field <= ColumnNames.Maximum ? Encoding.UTF8.GetString(scanner[field]) : "";
                }
                return fields;
            }
        }
        return [.. Encoding.UTF8.GetString(text).Split(delimiter).Select(field => field.Trim('"'))];
    }

    /// <summary>As many fields as the header: missing ones empty, surplus ones in the last.</summary>
    public static IEnumerable<string> Fitted(IReadOnlyList<string> fields, int columns)
    {
        for (var column = 0; column < columns; column++)
        {
            yield return column >= fields.Count ? ""
                : column == columns - 1 && fields.Count > columns ? string.Join(' ', fields.Skip(column))
                : fields[column];
        }
    }
}
