namespace Pimm.Core.Training;

/// <summary>Memory ran out while training.</summary>
public sealed class TrainingOutOfMemoryException(string sentence, Exception? inner = null) : Exception(sentence, inner);

/// <summary>What the end of a training says about its cause.</summary>
internal static class TrainingDeath
{
    private const int FirstSignal = 128;
    private const int Killed = FirstSignal + 9;

    // libtorch's allocators, C++, .NET, and .NET's own last words when it cannot go on.
    private static readonly string[] OutOfMemory = ["not enough memory", "out of memory", "Insufficient memory", "std::bad_alloc", "OutOfMemoryException", "Cannot allocate memory"];

    private static readonly Dictionary<int, string> Signals = new()
    {
        [1] = "SIGHUP", [2] = "SIGINT", [3] = "SIGQUIT", [4] = "SIGILL", [6] = "SIGABRT", [7] = "SIGBUS", [8] = "SIGFPE", [9] = "SIGKILL", [11] = "SIGSEGV",
        [13] = "SIGPIPE", [15] = "SIGTERM", [24] = "SIGXCPU", [25] = "SIGXFSZ",
    };

    /// <param name="exitCode">of the process, 128 + n for signal n, not 0</param>
    /// <param name="lastWords">the last lines of its stderr</param>
    public static Exception Of(int exitCode, string lastWords)
    {
        var said = lastWords.Trim() is { Length: > 0 } words ? $" Its last words: {words}" : " It said nothing.";
        if (exitCode == Killed)
        {
            return new TrainingOutOfMemoryException($"The training's process was killed (SIGKILL), most likely because memory ran out.{said}");
        }

        if (SaysOutOfMemory(lastWords))
        {
            return new TrainingOutOfMemoryException($"The training ran out of memory (exit code {exitCode}).{said}");
        }

        return new InvalidOperationException(exitCode > FirstSignal
            ? $"The training's process was ended by {Signals.GetValueOrDefault(exitCode - FirstSignal, $"signal {exitCode - FirstSignal}")}.{said}"
            : $"The training's process ended with exit code {exitCode}.{said}");
    }

    public static bool IsOutOfMemory(Exception failure) => failure is OutOfMemoryException || (failure is not InputException && SaysOutOfMemory(failure.Message));

    private static bool SaysOutOfMemory(string text) => OutOfMemory.Any(words => text.Contains(words, StringComparison.OrdinalIgnoreCase));
}
