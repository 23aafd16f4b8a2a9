using System.Diagnostics;
using System.Globalization;

namespace Pimm.Benchmarks;

/// <summary>This process and all that it started, as /proc has them.</summary>
internal static class ProcessTree
{
    private const double TicksPerSecond = 100;

    /// <summary>Processor seconds of the machine, without those of one process and what it started.</summary>
    public static double SecondsWithout(int process)
    {
        // user, nice, system, idle, iowait, interrupts twice, stolen
        var all = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(text => long.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        return ((all[0] + all[1] + all[2] + all[5] + all[6]) / TicksPerSecond) - Seconds(Below(process));
    }

    /// <summary>The process whose command line has a word.</summary>
    public static int? Find(string word) => Below(Environment.ProcessId).Select(one => (int?)one.Id).FirstOrDefault(id => CommandOf(id!.Value).Contains(word, StringComparison.Ordinal));

    /// <param name="signal">STOP or CONT</param>
    public static void Signal(int process, string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, process.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    private static double Seconds(IEnumerable<(int Id, long[] Fields)> processes) => processes.Sum(one => one.Fields[11] + one.Fields[12] + one.Fields[13] + one.Fields[14]) / TicksPerSecond;

    private static List<(int Id, long[] Fields)> Below(int root)
    {
        var all = Directory.EnumerateDirectories("/proc").Select(path => Path.GetFileName(path)).Where(name => int.TryParse(name, out _))
            .Select(name => (Id: int.Parse(name, CultureInfo.InvariantCulture), Fields: SideBySide.StatusOf(name))).Where(one => one.Fields is not null).ToList();
        var children = all.ToLookup(one => (int)one.Fields![1]);
        var found = all.Where(one => one.Id == root).ToList();
        for (var place = 0; place < found.Count; place++)
        {
            found.AddRange(children[found[place].Id]);
        }
        return [.. found.Select(one => (one.Id, one.Fields!))];
    }

    private static string CommandOf(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }
}
