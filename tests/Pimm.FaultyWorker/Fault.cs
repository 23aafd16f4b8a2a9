using System.Globalization;
using System.Runtime.InteropServices;

namespace Pimm.FaultyWorker;

/// <summary>
/// What is to happen at which fault point: <c>point:action[:nth]:marker-file</c>, several separated by a semicolon. The marker
/// file is made when it happens, so that it happens once however many processes come there; with <c>-</c> for a file it happens
/// each time. Actions: kill and stop are the signals to the process itself, segv a real access to memory that is not there; orphan kills its parent, crash the parent and itself,
/// as the end of a machine does; throw is an exception, hunger takes memory until there is none, slow takes a second.
/// </summary>
internal sealed partial class Fault
{
    private const int Sigkill = 9;
    private const int Sigstop = 19;
    private const int HungerBytes = 16 << 20;

    private readonly string _point;
    private readonly Action _act;
    private readonly int _nth;
    private readonly string _marker;
    private int _reached;

    private Fault(string description)
    {
        var parts = description.Split(':');
        if (parts.Length is not (3 or 4))
        {
            throw new FormatException($"PIMM_FAULT is \"{description}\": write point:action[:nth]:marker-file.");
        }

        (_point, _marker) = (parts[0], parts[^1]);
        _nth = parts.Length == 4 ? int.Parse(parts[2], CultureInfo.InvariantCulture) : 1;
        _act = parts[1] switch
        {
            "kill" => () => Signal(Environment.ProcessId, Sigkill),
            "stop" => () => Signal(Environment.ProcessId, Sigstop),
            "orphan" => () => Signal(Parent(), Sigkill),
            "crash" => () =>
            {
                Signal(Parent(), Sigkill);
                Signal(Environment.ProcessId, Sigkill);
            },
            // In native code, as a broken library does it: the runtime makes no exception of that.
            "segv" => () => LengthOfText(1),
            "throw" => () => throw new InvalidOperationException($"The test broke this run at {_point}."),
            "hunger" => TakeAllMemory,
            "slow" => () => Thread.Sleep(1_000),
            _ => throw new FormatException($"PIMM_FAULT has the action \"{parts[1]}\": kill, stop, segv, orphan, crash, throw, hunger and slow are known."),
        };
    }

    /// <summary>Null without PIMM_FAULT.</summary>
    public static Action<string>? FromEnvironment()
    {
        if (Environment.GetEnvironmentVariable("PIMM_FAULT") is not { Length: > 0 } described)
        {
            return null;
        }

        Fault[] faults = [.. described.Split(';').Select(one => new Fault(one))];
        return point => Array.ForEach(faults, fault => fault.Reach(point));
    }

    private void Reach(string point)
    {
        if (point == _point && Interlocked.Increment(ref _reached) >= _nth && MarkFirst())
        {
            _act();
        }
    }

    private bool MarkFirst()
    {
        if (_marker == "-")
        {
            return true;
        }

        try
        {
            using var marker = new FileStream(_marker, FileMode.CreateNew);
            return true;
        }
        catch (IOException) when (File.Exists(_marker))
        {
            return false;
        }
    }

    private static unsafe void TakeAllMemory()
    {
        while (true)
        {
            NativeMemory.Fill(NativeMemory.Alloc(HungerBytes), HungerBytes, 1);
        }
    }

    private static void Signal(int process, int signal)
    {
        _ = Kill(process, signal);
        // A stopped process goes on here when it is continued; a killed one never does.
        if (process == Environment.ProcessId && signal == Sigkill)
        {
            Thread.Sleep(Timeout.Infinite);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "getppid")]
    private static partial int Parent();

    [LibraryImport("libc", EntryPoint = "strlen")]
    private static partial nint LengthOfText(nint text);
}
