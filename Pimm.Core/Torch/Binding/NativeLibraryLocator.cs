using System.Reflection;
using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>Finds libpimmtorch.so beside the assembly, by its absolute path: never by LD_LIBRARY_PATH, which child processes would inherit.</summary>
internal static partial class NativeLibraryLocator
{
    public const string FileName = "libpimmtorch.so";

    public static void Register() => NativeLibrary.SetDllImportResolver(typeof(NativeLibraryLocator).Assembly, Resolve);

    private static nint Resolve(string library, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (library != NativeTorch.Library)
            return 0;

        AskThreadsToSleepSoon();
        var searched = SearchedPaths(assembly);
        string found = searched.FirstOrDefault(File.Exists)
            ?? throw new DllNotFoundException($"{FileName} was not found in {string.Join(", ", searched)}: build the solution, it is built with it.");
        nint loaded;
        try
        {
            loaded = NativeLibrary.Load(found);
        }
        catch (DllNotFoundException failure)
        {
            throw new DllNotFoundException($"{found} could not be loaded; is the libtorch it was built for still installed? {failure.Message}", failure);
        }
        CheckVersion(loaded, found);
        return loaded;
    }

    private static unsafe void CheckVersion(nint loaded, string path)
    {
        var check = (delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(loaded, "pimm_check_version");
        var reason = (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(loaded, "pimm_last_error");
        if (check() != 0)
            throw new DllNotFoundException($"{path} does not fit: {NativeTorch.FirstLine(Marshal.PtrToStringUTF8(reason())!)}; build the solution again.");
    }

    private static string[] SearchedPaths(Assembly assembly)
    {
        string beside = Path.GetDirectoryName(assembly.Location) is { Length: > 0 } folder ? folder : AppContext.BaseDirectory;
        return new[] { beside, AppContext.BaseDirectory }.Select(f => Path.GetFullPath(Path.Combine(f, FileName))).Distinct().ToArray();
    }

    // libgomp reads its environment when it is loaded, and .NET's SetEnvironmentVariable does not reach the C environment.
    // Workers that spin for long would take the cores that web pages and the database share with a training; workers that sleep at
    // once are woken for every one of a step's parallel parts, which on two virtual processors cost half of a step. 10,000 turns are
    // about half a millisecond.
    private static void AskThreadsToSleepSoon() => _ = setenv("GOMP_SPINCOUNT", "10000", 0);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
