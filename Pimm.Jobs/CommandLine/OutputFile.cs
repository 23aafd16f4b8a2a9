using Pimm.Core;

namespace Pimm.Jobs.CommandLine;

/// <summary>A file that a verb is told to write.</summary>
internal static class OutputFile
{
    /// <exception cref="InputException">the folder is not there, or the path is a folder's</exception>
    public static void RequireFolder(string path)
    {
        var full = Path.GetFullPath(path);
        if (Directory.Exists(full))
            throw new InputException($"{path} is a folder: name a file in it.");
        if (!Directory.Exists(Path.GetDirectoryName(full)))
            throw new InputException($"There is no folder {Path.GetDirectoryName(full)} for {Path.GetFileName(full)}: make it, or name another file.");
    }
}
