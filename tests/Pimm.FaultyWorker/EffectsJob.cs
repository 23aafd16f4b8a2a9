using System.Globalization;
using Dapper;
using Pimm.Core.Queueing;

namespace Pimm.FaultyWorker;

/// <summary>
/// Numbered effects for a test to count: rows in a table that has no unique key (so that one written twice is seen), one
/// transaction each, and a file that appears whole.
/// </summary>
internal sealed class EffectsJob : IJob
{
    private const string Insert = "insert into fault_effect (run_id, no, fence) values (@RunId, @no, @Fence)";

    public string Kind => "effects";

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var arguments = run.ReadArguments<Arguments>();
        if (arguments.Poison)
        {
            FaultPoint.Reach("effects.poison");
        }

        await Task.Delay(TimeSpan.FromSeconds(arguments.SecondsBefore), cancellationToken);
        for (var no = 1; no <= arguments.Count; no++)
        {
            await WriteRowAsync(run, no, cancellationToken);
            run.Report((double)no / arguments.Count, $"effect {no} of {arguments.Count}");
            await Task.Delay(TimeSpan.FromSeconds(arguments.SecondsBetween), cancellationToken);
        }

        await WriteFileAsync(run, Path.Combine(arguments.Folder, FileNameOf(run.RunId)), cancellationToken);
        await run.CompleteAsync(new { arguments.Count }, connection => connection.ExecuteAsync(Insert, new { run.RunId, no = 0, run.Fence }), cancellationToken);
        FaultPoint.Reach("effects.completed");
    }

    private static string FileNameOf(long run) => string.Create(CultureInfo.InvariantCulture, $"effects-{run}.txt");

    private static async Task WriteRowAsync(JobExecution run, int no, CancellationToken cancellationToken)
    {
        await run.StepAsync($"effect {no}", async connection =>
        {
            await connection.ExecuteAsync(Insert, new { run.RunId, no, run.Fence });
            FaultPoint.Reach("effects.uncommitted");
        }, cancellationToken);
        FaultPoint.Reach("effects.committed");
    }

    private static async Task WriteFileAsync(JobExecution run, string path, CancellationToken cancellationToken)
    {
        foreach (var abandoned in Directory.EnumerateFiles(Path.GetDirectoryName(path)!, $"{Path.GetFileName(path)}.*.tmp"))
        {
            File.Delete(abandoned);
        }

        var temporary = string.Create(CultureInfo.InvariantCulture, $"{path}.{run.Fence}.tmp");
        try
        {
            await File.WriteAllTextAsync(temporary, string.Create(CultureInfo.InvariantCulture, $"run {run.RunId}\n"), cancellationToken);
            FaultPoint.Reach("effects.file-written");
            await run.ConfirmLeaseAsync(cancellationToken);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        FaultPoint.Reach("effects.file-renamed");
    }

    /// <param name="SecondsBefore">computing, before the first effect</param>
    /// <param name="Poison">comes to a fault point that no other run comes to</param>
    private sealed record Arguments(int Count, string Folder, double SecondsBefore = 0, double SecondsBetween = 0, bool Poison = false);
}
