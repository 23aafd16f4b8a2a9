using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Core.Importing;

/// <summary>Takes the current row of a file in, or says what is wrong with it, and writes it to a COPY.</summary>
public abstract class FileRows(DelimitedReader file)
{
    /// <summary>Raw rows of one chunk that are kept in memory until they are sealed.</summary>
    private const int KeptRawBytes = 16 << 20;

    /// <summary>What rows that are skipped would have written is forgotten after so many.</summary>
    private const int SkippedAtOnce = 1_000;

    private int _rawBytes;

    protected DelimitedReader File { get; } = file;

    /// <summary>Table and columns of the COPY.</summary>
    public abstract string Target { get; }

    /// <summary>Rows read so far, bad ones included.</summary>
    public long Received => File.Rows;

    public double ShareRead => File.ShareRead;

    /// <summary>Every row of the file has been read.</summary>
    public bool AtEnd { get; private set; }

    /// <summary>Rows of the current chunk that were left out on purpose.</summary>
    public long Skipped { get; private set; }

    /// <summary>Values of the current chunk that were dropped, and rows that were left out on purpose.</summary>
    public List<ImportProblem> Warnings { get; } = [];

    /// <summary>Whose row the current one is, as far as that can be told of a bad one.</summary>
    protected virtual Guid? CustomerOfBadRow => null;

    /// <returns>null when the row can be used; a warning when it is left out on purpose</returns>
    public abstract ImportProblem? Take();

    public abstract void Write(CopyWriter import);

    /// <summary>Writes what the chunk's rows say beside their own table, behind its COPY and in its transaction.</summary>
    public virtual Task SaveBesidesAsync(NpgsqlConnection connection) => Task.CompletedTask;

    /// <summary>Remembers what is said of the good rows as a whole.</summary>
    protected virtual void Note()
    {
    }

    /// <summary>Reads rows that an earlier attempt has written: what they say of rows behind them stays known.</summary>
    public void Skip(long rows)
    {
        while (File.Rows < rows && File.Read(out var problem))
        {
            if (File.Rows % SkippedAtOnce == 0)
            {
                StartChunk();
            }
            if (problem is null && Take() is null)
            {
                Note();
            }
        }
        StartChunk();
    }

    /// <summary>Copies the good ones of the next rows inside the connection's transaction and collects what is wrong with the others.</summary>
    /// <param name="rows">at most so many, good and bad</param>
    /// <returns>rows written</returns>
    public async Task<long> CopyAsync(NpgsqlConnection connection, List<ImportProblem> problems, long rows, CancellationToken cancellationToken)
    {
        StartChunk();
        var written = await BulkCopy.WriteAsync(connection, Target, GoodRows(problems, File.Rows + rows), static (import, row) => row.Write(import), cancellationToken);
        await SaveBesidesAsync(connection);
        return written;
    }

    /// <summary>Reads the next rows without writing any: what an import would say of them.</summary>
    /// <returns>good rows</returns>
    public long Check(List<ImportProblem> problems, long rows)
    {
        StartChunk();
        return GoodRows(problems, File.Rows + rows).LongCount();
    }

    protected virtual void StartChunk()
    {
        Warnings.Clear();
        (Skipped, _rawBytes) = (0, 0);
    }

    private IEnumerable<FileRows> GoodRows(List<ImportProblem> problems, long until)
    {
        while (File.Rows < until)
        {
            if (!File.Read(out var problem))
            {
                AtEnd = true;
                yield break;
            }
            var broken = problem is not null;
            problem ??= Take();
            if (problem is null)
            {
                Note();
                yield return this;
            }
            else if (problem.IsWarning)
            {
                Skipped++;
                Warnings.Add(problem);
            }
            else
            {
                problems.Add(WithRow(problem, broken));
            }
        }
    }

    private ImportProblem WithRow(ImportProblem problem, bool broken)
    {
        var raw = File.RawRow;
        var kept = problem.Code != ImportCode.LineTooLong && _rawBytes + raw.Length <= KeptRawBytes;
        _rawBytes += kept ? raw.Length : 0;
        return problem with { Raw = kept ? raw.ToArray() : null, Customer = broken ? null : CustomerOfBadRow };
    }
}
