using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>Arguments as native code reads them. Every handle in use is held, so that no other thread can free it during the call.</summary>
internal static class Packing
{
    public static int ListedNumbers(in Argument argument) => argument.Kind switch
    {
        ArgumentKind.Ints => ((long[])argument.Reference!).Length,
        ArgumentKind.Tensors or ArgumentKind.Optionals => ((Tensor?[])argument.Reference!).Length,
        ArgumentKind.Text => (Encoding.UTF8.GetByteCount((string)argument.Reference!) + sizeof(long)) / sizeof(long),
        _ => 0,
    };

    public static unsafe NativeValue Pack(in Argument argument, ref long* room)
    {
        var value = new NativeValue { Kind = argument.Kind, Bits = argument.Bits };
        switch (argument.Kind)
        {
            case ArgumentKind.Tensor:
                value.Bits = Hold((Tensor)argument.Reference!);
                break;
            case ArgumentKind.Generator:
                value.Bits = ((Generator)argument.Reference!).Hold();
                break;
            case ArgumentKind.Device:
                var device = (Device)argument.Reference!;
                value.Bits = (long)device.type;
                value.Count = device.index;
                break;
            case ArgumentKind.Ints or ArgumentKind.Tensors or ArgumentKind.Optionals or ArgumentKind.Text:
                value.Bits = (long)room;
                value.Count = CopyList(argument.Reference!, room);
                room += ListedNumbers(argument);
                break;
        }
        return value;
    }

    public static void Release(in Argument argument)
    {
        switch (argument.Reference)
        {
            case Tensor tensor:
                tensor.Handle.DangerousRelease();
                break;
            case Tensor?[] tensors:
                foreach (var tensor in tensors)
                    tensor?.Handle.DangerousRelease();
                break;
            case Generator generator:
                generator.Release();
                break;
        }
    }

    public static string Describe(in Argument argument) => argument.Reference switch
    {
        Tensor tensor => tensor.Describe(),
        Tensor?[] tensors => "[" + string.Join(", ", tensors.Select(t => t is null ? "none" : t.Describe())) + "]",
        long[] numbers => "[" + string.Join(",", numbers) + "]",
        Generator => "generator",
        { } other => other.ToString()!,
        null => argument.Kind switch
        {
            ArgumentKind.Double => BitConverter.Int64BitsToDouble(argument.Bits).ToString(CultureInfo.InvariantCulture),
            ArgumentKind.Bool => argument.Bits != 0 ? "true" : "false",
            ArgumentKind.Int => argument.Bits.ToString(CultureInfo.InvariantCulture),
            _ => "none",
        },
    };

    private static nint Hold(Tensor tensor)
    {
        bool held = false;
        tensor.Handle.DangerousAddRef(ref held);
        return tensor.Handle.DangerousGetHandle();
    }

    private static unsafe int CopyList(object list, long* room)
    {
        switch (list)
        {
            case long[] numbers:
                numbers.CopyTo(new Span<long>(room, numbers.Length));
                return numbers.Length;
            case string text:
                return Encoding.UTF8.GetBytes(text, new Span<byte>(room, Encoding.UTF8.GetByteCount(text)));
            default:
                return HoldAll((Tensor?[])list, room);
        }
    }

    private static unsafe int HoldAll(Tensor?[] tensors, long* room)
    {
        int held = 0;
        try
        {
            for (; held < tensors.Length; held++)
                room[held] = tensors[held] is { } tensor ? Hold(tensor) : 0;
            return held;
        }
        catch
        {
            for (int i = 0; i < held; i++)
                tensors[i]?.Handle.DangerousRelease();
            throw;
        }
    }
}
