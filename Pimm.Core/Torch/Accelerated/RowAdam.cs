using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp.Accelerated;

/// <summary>
/// Adam over an embedding table of which a batch looks up few rows (Native/row_adam.cpp says how): no gradient of the whole table is
/// ever written. With waiting rows, the steps that dense Adam would take with a row nobody looked up wait until it is wanted, or until
/// <see cref="CatchUp"/>; without, a step is dense Adam's. A running mean of the table can be kept in the same pass. Float32 on the CPU.
/// </summary>
internal sealed class RowAdam : IDisposable
{
    private readonly double learningRate;
    private readonly double decay;
    private double window;
    private long every = 1;

    /// <param name="wait">whether rows that nobody looks up wait for their steps</param>
    public RowAdam(Parameter table, double learningRate, double decay, bool wait)
    {
        (Table, this.learningRate, this.decay) = (table, learningRate, decay);
        using var quiet = no_grad();
        First = zeros_like(table).DetachFromDisposeScope();
        Second = zeros_like(table).DetachFromDisposeScope();
        Touched = wait ? zeros(table.shape[0]).DetachFromDisposeScope() : null;
        NativeTorch.Check(NativeTorch.pimm_rows_new(table.shape[0], out nint made), "rows");
        Rows = new RowsHandle(made);
    }

    /// <summary>Whether a table can be updated so.</summary>
    public static bool Takes(Parameter table) => table.device_type == DeviceType.CPU && table.dtype == ScalarType.Float32 && table.is_contiguous();

    /// <summary>[rows, width].</summary>
    public Parameter Table { get; }

    public Tensor First { get; }

    public Tensor Second { get; }

    /// <summary>The last step that each row has taken, [rows]; null where rows do not wait.</summary>
    public Tensor? Touched { get; }

    public long Steps { get; set; }

    /// <summary>The running mean, like the table; null before there is one. Owned by who set it.</summary>
    public Tensor? Mean { get; set; }

    /// <summary>The step after which the mean began.</summary>
    public long MeanStart { get; set; }

    /// <param name="steps">over which the mean looks back</param>
    /// <param name="between">steps from one that the mean takes in to the next</param>
    public void Average(double steps, long between) => (window, every) = (steps, between);

    /// <summary>The rows of some ids as a leaf that collects their gradient, for the next <see cref="Step"/>.</summary>
    /// <param name="ids">[n], int64</param>
    /// <returns>[n, width]</returns>
    public Tensor LookUp(Tensor ids)
    {
        Check(NativeTorch.pimm_rows_look_up(Rows, How, ids.Handle, out nint found));
        return new Tensor(found);
    }

    /// <summary>One step along the gradients of what was looked up since the last, and of the table itself where it has one.</summary>
    public void Step()
    {
        Check(NativeTorch.pimm_rows_step(Rows, How, out int taken));
        Steps += taken;
    }

    /// <summary>Takes every step that still waits, so that the table can be read as a whole.</summary>
    public void CatchUp()
    {
        NativeTorch.pimm_rows_forget(Rows);
        if (Steps > 0 && Touched is not null)
            Check(NativeTorch.pimm_rows_catch_up(Rows, At(Steps)));
    }

    public void ZeroGradient() => Check(NativeTorch.pimm_rows_zero_gradients(Rows, Table.Handle));

    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
        Touched?.Dispose();
        Rows.Dispose();
    }

    /// <summary>What native code remembers between a look-up and its step.</summary>
    internal RowsHandle Rows { get; }

    /// <summary>The next step. Whoever hands it over keeps this object until the call is over.</summary>
    internal NativeRows How => At(Steps + 1);

    private NativeRows At(long step) => new()
    {
        Rate = learningRate, Beta1 = 0.9, Beta2 = 0.999, Eps = 1e-8, WeightDecay = decay, Step = step,
        Window = Mean is null ? 0 : window, MeanStart = MeanStart, MeanEvery = every,
        Weights = Native(Table), First = Native(First), Second = Native(Second), Mean = Native(Mean), Touched = Native(Touched),
    };

    private static nint Native(Tensor? tensor) => tensor is null ? 0 : tensor.Handle.DangerousGetHandle();

    private void Check(int failed)
    {
        NativeTorch.Check(failed, $"row_adam({Table.Describe()})");
        GC.KeepAlive(this);
    }
}
