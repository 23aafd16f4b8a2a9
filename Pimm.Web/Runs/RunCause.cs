using Pimm.Core.Queueing;

namespace Pimm.Web.Runs;

/// <summary>What kind of failure an error is: what helps follows from it.</summary>
public enum RunCause
{
    /// <summary>The run that it waited for failed.</summary>
    Predecessor,

    /// <summary>The worker was killed or froze in every attempt.</summary>
    Worker,

    Disk,

    Memory,

    /// <summary>The database was away.</summary>
    Database,

    /// <summary>One attempt had no more time.</summary>
    Time,

    /// <summary>The input: the sentence says what to do.</summary>
    Input,
}

/// <summary>Reads the cause from what is stored of a failed run.</summary>
public static class RunCauses
{
    public static RunCause Of(JobRun run)
    {
        var sentence = run.ErrorSentence ?? "";
        return run switch
        {
            { StartedAt: null, AfterRuns.Length: > 0 } => RunCause.Predecessor,
            _ when Says(sentence, "stopped answering") => RunCause.Worker,
            _ when Says(sentence, "no space", "disk") => RunCause.Disk,
            _ when Says(sentence, "memory") => RunCause.Memory,
            _ when Says(sentence, "database", "PostgreSQL") => RunCause.Database,
            _ when Says(sentence, "budget", "took longer than") => RunCause.Time,
            _ => RunCause.Input,
        };
    }

    private static bool Says(string sentence, params string[] words) => words.Any(word => sentence.Contains(word, StringComparison.OrdinalIgnoreCase));
}
