using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Pimm.Core.Safetensors;

/// <summary>The bytes behind a reader: a mapped file, or memory.</summary>
internal sealed unsafe class SafetensorsContent : IDisposable
{
    private readonly ReadOnlyMemory<byte> memory;
    private readonly SafeMemoryMappedViewHandle? view;
    private byte* first;
    private bool disposed;

    private SafetensorsContent(ReadOnlyMemory<byte> memory)
    {
        this.memory = memory;
        Length = memory.Length;
    }

    private SafetensorsContent(SafeMemoryMappedViewHandle view, long length)
    {
        this.view = view;
        Length = length;
        view.AcquirePointer(ref first);
    }

    public long Length { get; }

    public static SafetensorsContent Of(ReadOnlyMemory<byte> bytes) => new(bytes);

    public static SafetensorsContent Map(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        if (file.Length == 0)
            return Of(default); // An empty file cannot be mapped.
        using var map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        using var accessor = map.CreateViewAccessor(0, file.Length, MemoryMappedFileAccess.Read);
        // The view outlives map and accessor: it holds a reference of its own.
        return new SafetensorsContent(accessor.SafeMemoryMappedViewHandle, file.Length);
    }

    public ReadOnlySpan<byte> Span(long start, int length)
    {
        ObjectDisposedException.ThrowIf(disposed, typeof(SafetensorsReader));
        return view is null ? memory.Span.Slice(checked((int)start), length) : new ReadOnlySpan<byte>(first + start, length);
    }

    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        view?.ReleasePointer();
        first = null;
    }
}
