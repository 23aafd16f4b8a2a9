using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
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
    private const int ThisThread = 0; // PRIO_PROCESS, which Linux takes for a thread
    private const string TimesFile = "/proc/self/schedstat";

    /// <summary>
    /// Starts a process with a priority that all its threads have from the first on. On Linux a priority belongs to a thread, and those
    /// take it over that this one starts: given to a process that runs, it misses the threads that are there and any that is just being
    /// made. An idle process is scheduled as one too: whoever wakes up takes its processor as if it were free.
    /// </summary>
    public static void Start(Process process, ProcessPriorityClass priority)
    {
        if (NiceOf(priority) is not { } nice || !OperatingSystem.IsLinux())
        {
            process.Start();
            return;
        }

        ExceptionDispatchInfo? failure = null;
        // Of its own, since it could not become faster again.
        var starter = new Thread(() =>
        {
            // Where one of these is refused, the other is all there is.
            _ = setpriority(ThisThread, 0, nice);
            _ = priority == ProcessPriorityClass.Idle ? sched_setscheduler(0, IdlePolicy, 0) : 0;
            try
            {
                process.Start();
            }
            catch (Exception refused)
            {
                failure = ExceptionDispatchInfo.Capture(refused);
            }
        });
        starter.Start();
        starter.Join();
        failure?.Throw();
    }

    /// <summary>Gives this process a session of its own, and the session the priority that the process was started with; nothing where
    /// processes are not grouped, or the priority is the usual one.</summary>
    public static void Yield()
    {
        using var process = Process.GetCurrentProcess();
        if (NiceOf(process.PriorityClass) is not { } nice || !OperatingSystem.IsLinux()
            || !File.Exists(GroupingFile) || !File.ReadAllText(GroupingFile).StartsWith('1') || setsid() < 0)
        {
            return;
        }

        try
        {
            File.WriteAllText(GroupFile, nice.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // The priority within the group is all there is then.
        }
    }

    private static int? NiceOf(ProcessPriorityClass priority) => priority switch
    {
        ProcessPriorityClass.BelowNormal => 10,
        ProcessPriorityClass.Idle => 19,
        _ => null,
    };

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
    private static partial int setpriority(int which, int who, int nice);

    [LibraryImport("libc")]
    private static partial int sched_setscheduler(int thread, int policy, in int priority);
}
