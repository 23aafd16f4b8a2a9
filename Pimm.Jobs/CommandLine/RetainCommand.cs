using System.CommandLine;
using System.Globalization;
using Pimm.Core.Queueing;
using Pimm.Core.Retaining;

namespace Pimm.Jobs.CommandLine;

public static class RetainCommand
{
    public static Command Create()
    {
        var dry = new Option<bool>("--dry-run") { Description = "say what would go, and remove nothing" };
        return new Command("retain", "removes what the section Retention of the settings does not keep: old logs, weights, runs, files") { dry, Invocation.JsonOption }
            .Does(async (call, cancellationToken) =>
            {
                if (!call.Arguments.GetValue(dry))
                    return await StageRun.DoAsync(call, new JobRequest(Retain.JobKind, StageRun.NewKey("retain"), new { }), cancellationToken);
                var counts = await call.Service<RetentionPlan>().CountAsync(cancellationToken);
                call.Print(counts, lines => Show(counts, lines));
                return ExitCode.Done;
            });
    }

    private static void Show(RetentionCounts counts, TextWriter lines)
    {
        foreach (var (number, what) in new[]
        {
            (counts.Scorings, "scorings that were given up"), (counts.Files, "files whose import was given up"),
            (counts.RunLogLines, "lines of runs that have ended"), (counts.ModelWeights, "versions of models lose their weights"), (counts.Runs, "runs that nothing points to"),
            (counts.Firings, "firings of schedules"),
            (counts.Lists, "files of audience lists"), (counts.TrainingFolders, "folders of trainings that have ended"), (counts.TemporaryFiles, "temporary files that were left behind"), (counts.Answers, "answers of the API that nobody asks for again"),
            (counts.BadRows, "texts of bad rows and events that nobody mended"), (counts.InboxFiles, "outcome files that were taken or refused"),
        })
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{number,10:N0}  {what}"));
        lines.WriteLine("Nothing was removed.");
    }
}
