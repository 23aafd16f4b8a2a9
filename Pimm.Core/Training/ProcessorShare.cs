using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Pimm.Core.Training;

/// <summary>
/// What a process of low priority takes of the processors. Where Linux groups processes by session (sched_autogroup), it shares the
/// processors out among the groups first and looks at priorities only within one: a training in a session with nobody else would
/// take as much as the pages, whatever its priority.
/// </summary>
public static partial class ProcessorShare
{
    private const string GroupingFile = "/proc/sys/kernel/sched_autogroup_enabled";
    private const string GroupFile = "/proc/self/autogroup";

    /// <summary>Gives this process a session of its own, and the session the priority that the process has; nothing where processes are
    /// not grouped, or the priority is the usual one.</summary>
    public static void YieldAsGroup()
    {
        using var process = Process.GetCurrentProcess();
        var nice = process.PriorityClass switch { ProcessPriorityClass.BelowNormal => "10", ProcessPriorityClass.Idle => "19", _ => null };
        if (nice is null || !File.Exists(GroupingFile) || !File.ReadAllText(GroupingFile).StartsWith('1') || setsid() < 0)
        {
            return;
        }

        try
        {
            File.WriteAllText(GroupFile, nice);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // The priority within the group is all there is then.
        }
    }

    [LibraryImport("libc")]
    private static partial int setsid();
}
