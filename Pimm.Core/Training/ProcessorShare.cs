using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
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
    private const string ThreadsFolder = "/proc/self/task";
    private const int IdlePolicy = 5; // SCHED_IDLE
    private const string TimesFile = "/proc/self/schedstat";

    /// <summary>
    /// Gives this process a session of its own, and the session the priority that the process has; nothing where processes are not
    /// grouped, or the priority is the usual one. An idle process is scheduled as one too: whoever wakes up takes its processor as if
    /// it were free.
    /// </summary>
    public static void Yield()
    {
        using var process = Process.GetCurrentProcess();
        var nice = process.PriorityClass switch { ProcessPriorityClass.BelowNormal => "10", ProcessPriorityClass.Idle => "19", _ => null };
        if (nice is null || !OperatingSystem.IsLinux())
        {
            return;
        }

        if (process.PriorityClass == ProcessPriorityClass.Idle)
        {
            ScheduleAsIdle();
        }

        if (!File.Exists(GroupingFile) || !File.ReadAllText(GroupingFile).StartsWith('1') || setsid() < 0)
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

    // A thread takes over what the one that starts it has: those that were started meanwhile, by one whose turn had not come, are found by
    // looking again.
    private static void ScheduleAsIdle()
    {
        var done = new HashSet<int>();
        while (Directory.EnumerateDirectories(ThreadsFolder).Select(folder => int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture)).Where(done.Add).ToList() is { Count: > 0 } found)
        {
            foreach (var thread in found)
            {
                // Where that is refused, or the thread has ended, its priority is all there is.
                _ = sched_setscheduler(thread, IdlePolicy, 0);
            }
        }
    }

    /// <summary>How long all threads of this process together have been ready to run without having a processor, since each began; null
    /// where the system does not tell.</summary>
    public static TimeSpan? Waited()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists(TimesFile))
        {
            return null;
        }

        var nanoseconds = 0L;
        Span<byte> text = stackalloc byte[128];
        foreach (var thread in Directory.EnumerateDirectories(ThreadsFolder))
        {
            try
            {
                using var file = File.OpenHandle($"{thread}/schedstat");
                // Time on a processor, time without one, turns.
                var words = text[..RandomAccess.Read(file, text, 0)];
                words = words[(words.IndexOf((byte)' ') + 1)..];
                nanoseconds += Utf8Parser.TryParse(words, out long waited, out _) ? waited : 0;
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }

        return TimeSpan.FromMicroseconds(nanoseconds / 1000);
    }

    [LibraryImport("libc")]
    private static partial int setsid();

    [LibraryImport("libc")]
    private static partial int sched_setscheduler(int thread, int policy, in int priority);
}
