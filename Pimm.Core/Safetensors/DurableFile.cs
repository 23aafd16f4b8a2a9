using System.Runtime.InteropServices;

namespace Pimm.Core.Safetensors;

/// <summary>Files that must outlive a crash of the machine.</summary>
public static partial class DurableFile
{
    private const int ReadOnly = 0;

    /// <summary>
    /// Gives a file that is on the disk its final name, replacing what has it, and waits until the name is on the disk too. After a
    /// crash the name has the one content or the other.
    /// </summary>
    /// <exception cref="IOException">the directory cannot be written</exception>
    public static void Rename(string temporary, string path)
    {
        File.Move(temporary, path, overwrite: true);
        if (!OperatingSystem.IsWindows())
        {
            FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
    }

    /// <summary>Writes a small file whole or not at all.</summary>
    public static void WriteText(string path, string text)
    {
        var temporary = path + ".tmp";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        Rename(temporary, path);
    }

    // .NET opens no directories.
    private static void FlushDirectory(string directory)
    {
        var descriptor = Open(directory, ReadOnly);
        if (descriptor < 0)
        {
            throw new IOException($"{directory} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}.");
        }

        var failed = Flush(descriptor) < 0 ? Marshal.GetLastPInvokeErrorMessage() : null;
        _ = Close(descriptor);
        if (failed is not null)
        {
            throw new IOException($"{directory} cannot be written to the disk: {failed}.");
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
