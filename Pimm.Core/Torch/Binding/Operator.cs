using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>
/// One operator of libtorch, looked up by its schema name (for example <c>aten::add</c>, overload <c>Tensor</c>) on first use.
/// Arguments come in the schema's order; those left out at the end take the schema's defaults.
/// </summary>
internal sealed class Operator(string name, string overload = "")
{
    private const int StackRoom = 64;

    // A field of its own thread: null everywhere but in a test that listens.
    [ThreadStatic] private static Action<string>? called;

    private nint handle;

    /// <summary>Is told every call on this thread: tensors by type and shape, numbers as they are. For tests.</summary>
    public static Action<string>? Called
    {
        set => called = value;
    }

    public Tensor Call(params ReadOnlySpan<Argument> arguments)
    {
        Span<NativeValue> result = stackalloc NativeValue[1];
        Invoke(arguments, result);
        return AsTensor(result[0]);
    }

    /// <summary>For operators that change their first argument: what they return is that argument.</summary>
    public Tensor CallInPlace(params ReadOnlySpan<Argument> arguments)
    {
        Invoke(arguments, []);
        return (Tensor)arguments[0].Reference!;
    }

    public Tensor[] CallMany(int capacity, params ReadOnlySpan<Argument> arguments)
    {
        var results = new NativeValue[capacity];
        int written = Invoke(arguments, results);
        var tensors = new Tensor[written];
        for (int i = 0; i < written; i++)
            tensors[i] = AsTensor(results[i]);
        return tensors;
    }

    public Scalar CallScalar(params ReadOnlySpan<Argument> arguments)
    {
        Span<NativeValue> result = stackalloc NativeValue[1];
        Invoke(arguments, result);
        return Scalar.From(result[0]);
    }

    private static Tensor AsTensor(NativeValue value) => new((nint)value.Bits);

    private unsafe int Invoke(ReadOnlySpan<Argument> arguments, Span<NativeValue> results)
    {
        nint which = handle != 0 ? handle : Find();
        called?.Invoke(Describe(arguments));
        int listed = ListedNumbers(arguments);
        Span<long> numbers = listed <= StackRoom ? stackalloc long[StackRoom] : new long[listed];
        Span<NativeValue> native = stackalloc NativeValue[arguments.Length];
        int failed, written, held = 0;
        // The numbers must not move while native code reads them.
        fixed (long* pinned = numbers)
        fixed (NativeValue* values = native, room = results)
        {
            try
            {
                long* next = pinned;
                for (; held < arguments.Length; held++)
                    values[held] = Packing.Pack(arguments[held], ref next);
                failed = NativeTorch.pimm_operator_call(which, values, arguments.Length, room, results.Length, out written);
            }
            finally
            {
                for (int i = 0; i < held; i++)
                    Packing.Release(arguments[i]);
            }
        }

        if (failed != 0)
            throw new TorchException($"{Describe(arguments)}: {NativeTorch.FirstLine(NativeTorch.LastError)}");
        return written;
    }

    private nint Find()
    {
        NativeTorch.Check(NativeTorch.pimm_operator_find(name, overload, out nint found), name);
        return handle = found;
    }

    private static int ListedNumbers(ReadOnlySpan<Argument> arguments)
    {
        int count = 0;
        foreach (ref readonly var argument in arguments)
            count += Packing.ListedNumbers(argument);
        return count;
    }

    private string Describe(ReadOnlySpan<Argument> arguments)
    {
        var text = new StringBuilder(name.Replace("aten::", "", StringComparison.Ordinal)).Append('(');
        for (int i = 0; i < arguments.Length; i++)
            text.Append(i == 0 ? "" : ", ").Append(Packing.Describe(arguments[i]));
        return text.Append(')').ToString();
    }
}
