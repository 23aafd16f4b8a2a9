using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>The C interface of Native/pimm_torch.h. Functions that return int answer 0, or 1 with the reason in <see cref="LastError"/>.</summary>
internal static unsafe partial class NativeTorch
{
    public const string Library = "pimmtorch";

    static NativeTorch() => NativeLibraryLocator.Register();

    public static string LastError => Marshal.PtrToStringUTF8(pimm_last_error()) ?? "";

    /// <summary>What computes float matrix products: oneDNN, or the words of the BLAS that is installed.</summary>
    public static string Blas => Marshal.PtrToStringUTF8(pimm_blas())!;

    /// <summary>Throws the reason the last call on this thread left behind.</summary>
    public static void Check(int failed, string what)
    {
        if (failed != 0)
            throw new TorchException($"{what}: {FirstLine(LastError)}");
    }

    /// <summary>As the other, with words that are put together only when they are needed.</summary>
    public static void Check(int failed, [InterpolatedStringHandlerArgument(nameof(failed))] WhenFailed what)
    {
        if (failed != 0)
            Check(failed, what.ToString());
    }

    // libtorch appends source positions and, where symbols are known, a trace of its own stack.
    public static string FirstLine(string message)
    {
        int end = message.IndexOf('\n', StringComparison.Ordinal);
        return (end < 0 ? message : message[..end]).Trim();
    }

    [LibraryImport(Library)] private static partial nint pimm_last_error();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int pimm_operator_find(string name, string overload, out nint found);

    [LibraryImport(Library)]
    public static partial int pimm_operator_call(nint which, NativeValue* arguments, int count, NativeValue* results, int capacity, out int written);

    [LibraryImport(Library)] public static partial void pimm_tensor_free(nint tensor);

    [LibraryImport(Library)]
    public static partial int pimm_tensor_describe(TensorHandle tensor, out NativeDescription description, long* lengths, int room);

    [LibraryImport(Library)]
    public static partial int pimm_tensor_over(void* data, long* lengths, int dimensions, int dtype, delegate* unmanaged[Cdecl]<nint, void> release, nint context, out nint made);

    [LibraryImport(Library)] public static partial int pimm_backward(TensorHandle tensor, nint gradient, int retainGraph, int createGraph);

    [LibraryImport(Library)]
    public static partial int pimm_gradients(nint* outputs, int outputCount, nint* inputs, int inputCount, nint* outputGradients, int retainGraph, int createGraph, int allowUnused, nint* gradients);

    [LibraryImport(Library)] public static partial int pimm_tensor_gradient(TensorHandle tensor, out nint gradient);

    [LibraryImport(Library)] public static partial int pimm_tensor_set_gradient(TensorHandle tensor, nint gradient);

    [LibraryImport(Library)] public static partial int pimm_tensor_require_gradient(TensorHandle tensor, int required);

    [LibraryImport(Library)] public static partial int pimm_tensor_is_leaf(TensorHandle tensor, out int leaf);

    [LibraryImport(Library)] public static partial int pimm_gradients_recorded();

    [LibraryImport(Library)] public static partial void pimm_record_gradients(int recorded);

    [LibraryImport(Library)] public static partial int pimm_inference_begin(int enabled, out nint guard);

    [LibraryImport(Library)] public static partial void pimm_inference_end(nint guard);

    [LibraryImport(Library)]
    public static partial int pimm_adam_step(in NativeAdam how, TensorHandle parameter, TensorHandle first, TensorHandle second, out int taken);

    [LibraryImport(Library)] public static partial int pimm_relu_dropout(TensorHandle input, double share, out nint result);

    [LibraryImport(Library)]
    public static partial int pimm_towers(TensorHandle input, nint* parameters, double* shares, int layers, out nint result);

    [LibraryImport(Library)]
    public static partial int pimm_premise_chain(TensorHandle own, nint labels, nint shown, nint* parameters, int count, double share, out nint result);

    [LibraryImport(Library)] public static partial int pimm_rows_new(long rows, out nint made);

    [LibraryImport(Library)] public static partial void pimm_rows_free(nint rows);

    [LibraryImport(Library)]
    public static partial int pimm_rows_look_up(RowsHandle rows, in NativeRows how, TensorHandle ids, out nint found);

    [LibraryImport(Library)] public static partial int pimm_rows_step(RowsHandle rows, in NativeRows how, out int taken);

    [LibraryImport(Library)] public static partial int pimm_rows_zero_gradients(RowsHandle rows, TensorHandle weights);

    [LibraryImport(Library)] public static partial int pimm_rows_catch_up(RowsHandle rows, in NativeRows how);

    [LibraryImport(Library)] public static partial void pimm_rows_forget(RowsHandle rows);

    [LibraryImport(Library)]
    public static partial int pimm_gather(in NativeColumns columns, int* chosen, long count, TensorHandle ids, TensorHandle labels, nint amounts);

    [LibraryImport(Library)] public static partial int pimm_learn(RowsHandle rows, in NativeRows how, in NativeNetwork network, in NativeBatch batch);

    [LibraryImport(Library)] public static partial int pimm_take_in(nint* tensors, int count, double share);

    [LibraryImport(Library)] public static partial void pimm_clock(int running);

    [LibraryImport(Library)] public static partial long pimm_clock_nanoseconds();

    [LibraryImport(Library)] public static partial int pimm_forward_new(in NativeForwardShape shape, int* sizes, int* widths, nint* parameters, out nint made);

    [LibraryImport(Library)] public static partial void pimm_forward_free(nint forward);

    [LibraryImport(Library)] public static partial int pimm_forward_run(ForwardHandle forward, int* ids, long rows, float* probabilities, out long wrong);

    [LibraryImport(Library)] public static partial void pimm_keep_memory();

    [LibraryImport(Library)] public static partial nint pimm_compiled_version();

    [LibraryImport(Library)] private static partial nint pimm_blas();

    [LibraryImport(Library)] public static partial int pimm_set_threads(int count);

    [LibraryImport(Library)] public static partial int pimm_threads();

    [LibraryImport(Library)] public static partial int pimm_set_interop_threads(int count);

    [LibraryImport(Library)] public static partial int pimm_interop_threads();

    [LibraryImport(Library)] public static partial int pimm_cuda_count();

    [LibraryImport(Library)] public static partial int pimm_seed_all(long seed);

    [LibraryImport(Library)] public static partial int pimm_generator_new(long seed, out nint made);

    [LibraryImport(Library)] public static partial int pimm_generator_default(out nint made);

    [LibraryImport(Library)] public static partial void pimm_generator_free(nint generator);

    [LibraryImport(Library)] public static partial int pimm_generator_seed(GeneratorHandle generator, long seed);

    [LibraryImport(Library)] public static partial int pimm_generator_state(GeneratorHandle generator, out nint state);

    [LibraryImport(Library)] public static partial int pimm_generator_set_state(GeneratorHandle generator, TensorHandle state);
}

/// <summary>pimm_value: an argument or a result of an operator.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeValue
{
    public ArgumentKind Kind;
    public int Count;
    public long Bits;
}

/// <summary>pimm_kind.</summary>
internal enum ArgumentKind
{
    Default, None, Tensor, Int, Double, Bool, Ints, Tensors, Optionals, Generator, Device, Text,
}

/// <summary>pimm_description.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeDescription
{
    public int Type;
    public int DeviceType;
    public int DeviceIndex;
    public int Dimensions;
    public long Elements;
    public nint Storage;
    public int Contiguous;
    public int RequiresGrad;
}

/// <summary>pimm_rows.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeRows
{
    public double Rate;
    public double Beta1;
    public double Beta2;
    public double Eps;
    public double WeightDecay;
    public long Step;
    public double Window;
    public long MeanStart;
    public long MeanEvery;
    public nint Weights;
    public nint First;
    public nint Second;
    public nint Mean;
    public nint Touched;
}

/// <summary>pimm_columns.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeColumns
{
    public int* Ids;
    public byte* Labels;
    public float* Amounts;
    public long Rows;
    public int Fields;
    public int Tasks;
}

/// <summary>pimm_batch.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeBatch
{
    public nint Ids;
    public nint Labels;
    public nint Shown;
    public nint TaskWeights;
    public nint Losses;
}

/// <summary>pimm_network.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeNetwork
{
    public nint Offsets;
    public nint* Towers;
    public double* TowerShares;
    public nint* Chain;
    public double ChainShare;
    public int Layers;
    public int ChainCount;
}

/// <summary>pimm_adam.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeAdam
{
    public double Rate;
    public double Beta1;
    public double Beta2;
    public double Eps;
    public double WeightDecay;
    public long Step;
    public int Maximize;
}

/// <summary>pimm_forward_shape.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeForwardShape
{
    public int Fields;
    public int Embedding;
    public int Tasks;
    public int Layers;
    public int Rectified;
    public int Activation;
    public long TableBytes;
}
