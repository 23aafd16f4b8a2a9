using Npgsql;
using Pimm.Core.Database;
using Pimm.Core.Queueing;

namespace Pimm.Core.Importing;

/// <summary>Takes the current row of a file in, or says what is wrong with it, and writes it to a COPY.</summary>
public abstract class FileRows(DelimitedReader file)
{
    protected DelimitedReader File { get; } = file;

    /// <summary>Table and columns of the COPY.</summary>
    public abstract string Target { get; }

    /// <returns>null when the row can be used</returns>
    public abstract ImportProblem? Take();

    public abstract void Write(NpgsqlBinaryImporter import);

    /// <summary>Copies the file's good rows inside the connection's transaction and collects what is wrong with the others.</summary>
    /// <returns>rows written</returns>
    public Task<long> CopyAsync(NpgsqlConnection connection, List<ImportProblem> problems, JobExecution run, CancellationToken cancellationToken) =>
        BulkCopy.WriteAsync(connection, Target, GoodRows(problems, run), static (import, rows) => rows.Write(import), cancellationToken);

    private IEnumerable<FileRows> GoodRows(List<ImportProblem> problems, JobExecution run)
    {
        while (File.Read(out var problem))
        {
            problem ??= Take();
            if (problem is null)
            {
                yield return this;
            }
            else
            {
                problems.Add(problem);
            }
            if (File.Rows % 5_000 == 0)
            {
                run.Report(File.ShareRead, $"{File.Rows:N0} rows read, {problems.Count:N0} with problems");
            }
        }
    }
}
