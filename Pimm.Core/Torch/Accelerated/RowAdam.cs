using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp.Accelerated;

/// <summary>
/// Adam over those rows of an embedding table that a batch looks up (Native/lazy_rows.cpp says how): the steps that dense Adam
/// would take with a row nobody looked up wait until it is wanted, or until <see cref="CatchUp"/>. A running mean of the table can be
/// kept the same way. Float32 on the CPU.
/// </summary>
internal sealed class RowAdam : IDisposable
{
    private readonly double learningRate;
    private readonly double decay;
    private readonly RowsHandle rows;
    private readonly List<(Tensor Ids, Tensor Found)> wanted = [];
    private double window;
    private long every = 1;

    public RowAdam(Parameter table, double learningRate, double decay)
    {
        (Table, this.learningRate, this.decay) = (table, learningRate, decay);
        using var quiet = no_grad();
        First = zeros_like(table).DetachFromDisposeScope();
        Second = zeros_like(table).DetachFromDisposeScope();
        Touched = zeros(table.shape[0]).DetachFromDisposeScope();
        NativeTorch.Check(NativeTorch.pimm_rows_new(table.shape[0], out nint made), "rows");
        rows = new RowsHandle(made);
    }

    /// <summary>[rows, width].</summary>
    public Parameter Table { get; }

    public Tensor First { get; }

    public Tensor Second { get; }

    /// <summary>The last step that each row has taken, [rows].</summary>
    public Tensor Touched { get; }

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
        Check(NativeTorch.pimm_rows_catch_up(rows, How(Steps + 1), Table.Handle, First.Handle, Second.Handle, Native(Mean), Touched.Handle, Native(ids)));
        var found = Table.index_select(0, ids).requires_grad_();
        wanted.Add((ids, found));
        return found;
    }

    /// <summary>One step along the gradients of what was looked up since the last.</summary>
    public void Step()
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var learned = wanted.Select(one => (one.Ids, Gradient: one.Found.grad)).Where(one => one.Gradient is not null).ToList();
        wanted.Clear();
        if (learned.Count == 0)
            return;
        var ids = learned.Count == 1 ? learned[0].Ids : cat(learned.Select(one => one.Ids).ToArray());
        var gradients = learned.Count == 1 ? learned[0].Gradient! : cat(learned.Select(one => one.Gradient!).ToArray());
        Check(NativeTorch.pimm_rows_step(rows, How(Steps + 1), Table.Handle, First.Handle, Second.Handle, Native(Mean), Touched.Handle, ids.Handle, gradients.Handle));
        Steps++;
    }

    /// <summary>Takes every step that still waits, so that the table can be read as a whole.</summary>
    public void CatchUp()
    {
        if (Steps > 0)
            Check(NativeTorch.pimm_rows_catch_up(rows, How(Steps), Table.Handle, First.Handle, Second.Handle, Native(Mean), Touched.Handle, 0));
    }

    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
        Touched.Dispose();
        rows.Dispose();
    }

    // Whoever calls holds the tensor through the call.
    private static nint Native(Tensor? tensor) => tensor is null ? 0 : tensor.Handle.DangerousGetHandle();

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
