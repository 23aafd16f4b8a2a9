using System.Diagnostics;
using System.Globalization;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>
/// Trainings with little memory: by a control group of the kernel where this process may make one, which kills; otherwise by a
/// limit of the address space, at which an allocation fails.
/// </summary>
internal sealed class MemoryLimit : IDisposable
{
    private const long Bytes = 1L << 30;
    private const string Kernel = "/sys/fs/cgroup";

    // .NET reserves more than it uses.
    private const long AddressSpaceKilobytes = 8L << 20;

    private readonly string? _group;
    private readonly string _script;

    public MemoryLimit(string folder)
    {
        _group = MakeGroup();
        Kind = _group is null ? "a limit of the address space" : "killed by the kernel";
        _script = Path.Combine(folder, "little-memory.sh");
        var enter = _group is null
            ? $"export DOTNET_GCHeapHardLimit=0x20000000; ulimit -v {AddressSpaceKilobytes}"
            : $"echo $$ > '{_group}/cgroup.procs'";
        File.WriteAllText(_script, $"#!/bin/sh\n{enter}\nexec '{Path.Combine(AppContext.BaseDirectory, "Pimm.FaultyWorker")}' \"$@\"\n");
        using var executable = Process.Start("chmod", ["+x", _script]);
        executable.WaitForExit();
    }

    public string Kind { get; }

    /// <summary>The same, for trainings within the limit.</summary>
    public IReadOnlyDictionary<string, string> Of(IReadOnlyDictionary<string, string> settings) => new Dictionary<string, string>(settings) { ["Training__Executable"] = _script };

    /// <summary>Null where none can be made.</summary>
    private static string? MakeGroup()
    {
        var (parent, limit) = Directory.Exists(Path.Combine(Kernel, "memory"))
            ? (Path.Combine(Kernel, "memory"), "memory.limit_in_bytes")
            : (Kernel, "memory.max");
        var group = Path.Combine(parent, "pimm-" + Path.GetRandomFileName());
        try
        {
            Directory.CreateDirectory(group);
            File.WriteAllText(Path.Combine(group, limit), Bytes.ToString(CultureInfo.InvariantCulture));
            return group;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (Directory.Exists(group))
            {
                Directory.Delete(group);
            }

            return null;
        }
    }

    public void Dispose()
    {
        if (_group is not null)
        {
            Directory.Delete(_group);
        }
    }
}
