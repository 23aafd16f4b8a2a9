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
    private readonly RowsHandle rows;
    private readonly List<Tensor> wanted = [];
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
        rows = new RowsHandle(made);
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
        using var quiet = no_grad();
        // Whoever looked up and took no step has let go of it.
        if (wanted.Count > 0 && wanted[0].IsInvalid)
            Forget();
        Check(NativeTorch.pimm_rows_look_up(rows, How(Steps + 1), Table.Handle, First.Handle, Second.Handle, Native(Mean), Native(Touched), ids.Handle, out nint found));
        var leaf = new Tensor(found).requires_grad_();
        wanted.Add(leaf);
        return leaf;
    }

    /// <summary>One step along the gradients of what was looked up since the last, and of the table itself where it has one.</summary>
    public void Step()
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var gradients = new Tensor?[wanted.Count];
        for (int at = 0; at < gradients.Length; at++)
            gradients[at] = wanted[at].IsInvalid ? null : wanted[at].grad;
        var whole = Touched is null ? Table.grad : null;
        if (whole is null && Array.TrueForAll(gradients, gradient => gradient is null))
        {
            Forget();
            return;
        }
        Take(gradients, whole);
        wanted.Clear();
        Steps++;
    }

    /// <summary>Takes every step that still waits, so that the table can be read as a whole.</summary>
    public void CatchUp()
    {
        Forget();
        if (Steps > 0 && Touched is { } touched)
            Check(NativeTorch.pimm_rows_catch_up(rows, How(Steps), Table.Handle, First.Handle, Second.Handle, Native(Mean), touched.Handle));
    }

    public void ZeroGradient() => Table.ClearGradient(toNone: true);

    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
        Touched?.Dispose();
        rows.Dispose();
    }

    // Whoever calls holds the tensor through the call.
    private static nint Native(Tensor? tensor) => tensor is null ? 0 : tensor.Handle.DangerousGetHandle();

    private unsafe void Take(Tensor?[] gradients, Tensor? whole)
    {
        Span<nint> each = stackalloc nint[gradients.Length];
        for (int at = 0; at < each.Length; at++)
            each[at] = Native(gradients[at]);
        fixed (nint* first = each)
            Check(NativeTorch.pimm_rows_step(rows, How(Steps + 1), Table.Handle, First.Handle, Second.Handle, Native(Mean), Native(Touched), first, each.Length, Native(whole)));
        GC.KeepAlive(gradients);
        GC.KeepAlive(whole);
    }

    private void Forget()
    {
        wanted.Clear();
        NativeTorch.pimm_rows_forget(rows);
    }

    private NativeRows How(long step) => new()
    {
        Rate = learningRate, Beta1 = 0.9, Beta2 = 0.999, Eps = 1e-8, WeightDecay = decay, Step = step,
        Window = Mean is null ? 0 : window, MeanStart = MeanStart, MeanEvery = every,
    };

    private void Check(int failed)
    {
        NativeTorch.Check(failed, $"row_adam({Table.Describe()})");
        GC.KeepAlive(Mean);
    }
}
