using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>Owns one reference to a native tensor; the finalizer frees what nobody disposed.</summary>
internal sealed class TensorHandle : SafeHandle
{
    private static long live;
    private static long peak;

    public TensorHandle(nint tensor) : base(0, ownsHandle: true)
    {
        SetHandle(tensor);
        long now = Interlocked.Increment(ref live);
        // Two threads may race here; the peak is a figure for people.
        if (now > peak)
            peak = now;
    }

    public static long Live => Interlocked.Read(ref live);

    public static long Peak => Interlocked.Read(ref peak);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        Interlocked.Decrement(ref live);
        NativeTorch.pimm_tensor_free(handle);
        return true;
    }
}

/// <summary>Owns what native code remembers of an embedding table that is updated row by row.</summary>
internal sealed class RowsHandle : SafeHandle
{
    public RowsHandle(nint rows) : base(0, ownsHandle: true) => SetHandle(rows);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeTorch.pimm_rows_free(handle);
        return true;
    }
}

/// <summary>Owns a network as native code answers with it.</summary>
internal sealed class ForwardHandle : SafeHandle
{
    public ForwardHandle(nint forward) : base(0, ownsHandle: true) => SetHandle(forward);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeTorch.pimm_forward_free(handle);
        return true;
    }
}

/// <summary>Owns a native random generator.</summary>
internal sealed class GeneratorHandle : SafeHandle
{
    public GeneratorHandle(nint generator) : base(0, ownsHandle: true) => SetHandle(generator);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeTorch.pimm_generator_free(handle);
        return true;
    }
}
