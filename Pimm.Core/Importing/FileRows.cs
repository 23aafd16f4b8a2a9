using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Core.Importing;

/// <summary>Takes the current row of a file in, or says what is wrong with it, and writes it to a COPY.</summary>
public abstract class FileRows(DelimitedReader file)
{
    protected DelimitedReader File { get; } = file;

    /// <summary>Table and columns of the COPY.</summary>
    public abstract string Target { get; }

    /// <summary>Rows read so far, bad ones included.</summary>
    public long Received => File.Rows;

    public double ShareRead => File.ShareRead;

    /// <summary>Every row of the file has been read.</summary>
    public bool AtEnd { get; private set; }

    /// <returns>null when the row can be used</returns>
    public abstract ImportProblem? Take();

    public abstract void Write(NpgsqlBinaryImporter import);

    /// <summary>Remembers what is said of the good rows as a whole.</summary>
    protected virtual void Note()
    {
    }

    /// <summary>Reads rows that an earlier attempt has written: what they say of rows behind them stays known.</summary>
    public void Skip(long rows)
    {
        while (File.Rows < rows && File.Read(out var problem))
        {
            if (problem is null && Take() is null)
            {
                Note();
            }
        }
    }

    /// <summary>Copies the good ones of the next rows inside the connection's transaction and collects what is wrong with the others.</summary>
    /// <param name="rows">at most so many, good and bad</param>
    /// <returns>rows written</returns>
    public Task<long> CopyAsync(NpgsqlConnection connection, List<ImportProblem> problems, long rows, CancellationToken cancellationToken) =>
        BulkCopy.WriteAsync(connection, Target, GoodRows(problems, File.Rows + rows), static (import, row) => row.Write(import), cancellationToken);

    private IEnumerable<FileRows> GoodRows(List<ImportProblem> problems, long until)
    {
        while (File.Rows < until)
        {
            if (!File.Read(out var problem))
            {
                AtEnd = true;
                yield break;
            }
            problem ??= Take();
            if (problem is null)
            {
                Note();
                yield return this;
            }
            else
            {
                problems.Add(problem);
            }
        }
    }
}
