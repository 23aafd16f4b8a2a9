using System.Globalization;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>A disk of 4 MB, full from the start, that one worker alone sees at its folder of lists; it goes with that worker.</summary>
internal sealed class SmallDisk(FaultWorld world)
{
    public const string Ballast = "ballast";

    private const string Mount = """mount -t tmpfs -o size=4m tmpfs "$1" && { head -c 8m /dev/zero > "$1/ballast" || true; } 2> /dev/null; shift; exec "$@" """;

    private readonly string _folder = Directory.CreateDirectory(Path.Combine(world.Folder, "exports")).FullName;
    private PimmProcess? _worker;

    public PimmProcess StartWorker(IReadOnlyDictionary<string, string> settings)
    {
        // An ordinary user may mount in a namespace of his own.
        string[] asRoot = Environment.UserName == "root" ? [] : ["--user", "--map-root-user"];
        return _worker = world.StartWorker(null, settings, ["unshare", .. asRoot, "--mount", "sh", "-c", Mount, "sh", _folder]);
    }

    public IReadOnlyList<string?> Files() => [.. Directory.GetFiles(Seen()).Select(Path.GetFileName).Order(StringComparer.Ordinal)];

    public void MakeRoom() => File.Delete(Path.Combine(Seen(), Ballast));

    /// <summary>The folder as the worker sees it.</summary>
    private string Seen() => string.Create(CultureInfo.InvariantCulture, $"/proc/{_worker!.Id}/root{_folder}");
}
