namespace Pimm.Core.Safetensors;

/// <summary>Element types of the safetensors format. The names here are the format's own.</summary>
public enum SafetensorType
{
    BOOL,
    U8,
    I8,
    I16,
    U16,
    F16,
    BF16,
    I32,
    U32,
    F32,
    I64,
    U64,
    F64,
}

internal static class SafetensorTypes
{
    /// <summary>Bytes an element takes.</summary>
    public static int Size(this SafetensorType type) => type switch
    {
        SafetensorType.BOOL or SafetensorType.U8 or SafetensorType.I8 => 1,
        SafetensorType.I16 or SafetensorType.U16 or SafetensorType.F16 or SafetensorType.BF16 => 2,
        SafetensorType.I32 or SafetensorType.U32 or SafetensorType.F32 => 4,
        _ => 8,
    };

    /// <summary>The type whose elements .NET reads as <typeparamref name="T"/>.</summary>
    public static SafetensorType Of<T>() where T : unmanaged => default(T) switch
    {
        bool => SafetensorType.BOOL,
        byte => SafetensorType.U8,
        sbyte => SafetensorType.I8,
        short => SafetensorType.I16,
        ushort => SafetensorType.U16,
        Half => SafetensorType.F16,
        int => SafetensorType.I32,
        uint => SafetensorType.U32,
        float => SafetensorType.F32,
        long => SafetensorType.I64,
        ulong => SafetensorType.U64,
        double => SafetensorType.F64,
        _ => throw new ArgumentException($"Safetensors has no element type for {typeof(T).Name}."),
    };
}
