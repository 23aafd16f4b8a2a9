namespace Pimm.Core.Safetensors;

/// <summary>One tensor of a safetensors file: what the header says about it.</summary>
/// <param name="Name">Unique in its file.</param>
/// <param name="Type">Type of its elements.</param>
/// <param name="Shape">Lengths of its dimensions, row-major; empty for a single element.</param>
/// <param name="Offset">Where its bytes begin, counted from the end of the header.</param>
/// <param name="Length">Number of its bytes: elements times the size of one.</param>
public sealed record SafetensorEntry(string Name, SafetensorType Type, IReadOnlyList<long> Shape, long Offset, long Length)
{
    public long Elements => Length / Type.Size();

    public override string ToString() => $"{Name} {Type}[{string.Join(",", Shape)}]";
}
