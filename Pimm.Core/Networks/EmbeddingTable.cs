using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// The shared embeddings: ids [B, F] → [B, D], D = F·e. One merged table of Σ V_f rows; field f's ids start at the sum of the
/// vocabularies before it, so a batch is one look-up instead of F. Row 0 of a field (missing or unknown) is trained like any
/// other. Starts as N(0, 0.01²), as in AITM's code.
/// </summary>
public sealed class EmbeddingTable : Module<Tensor, Tensor>
{
    private readonly Embedding table;
    private readonly Tensor offsets;
    private readonly int fields;
    private readonly int dimension;

    /// <param name="vocabularySizes">F sizes, each at least 1.</param>
    /// <param name="dimension">e, at least 1.</param>
    public EmbeddingTable(IReadOnlyList<int> vocabularySizes, int dimension) : base(nameof(EmbeddingTable))
    {
        fields = vocabularySizes.Count;
        this.dimension = dimension;
        var starts = new long[fields];
        for (var field = 1; field < fields; field++)
        {
            starts[field] = starts[field - 1] + vocabularySizes[field - 1];
        }

        table = Embedding(starts[^1] + vocabularySizes[^1], dimension);
        init.normal_(table.weight!, 0, Initialisation.SmallDeviation);
        offsets = tensor(starts);
        offsets.DetachFromDisposeScope();
        register_module("table", table);
        register_buffer("offsets", offsets);
    }

    /// <summary>D = F·e.</summary>
    public int Width => fields * dimension;

    /// <summary>The merged table, [Σ V_f, e].</summary>
    public Parameter Weight => table.weight!;

    /// <summary>Looks rows up instead of the table while training; null: the table does, and its gradient is dense.</summary>
    internal RowAdam? Rows { get; set; }

    /// <summary>[F] int64, where a field's rows begin in the merged table.</summary>
    internal Tensor Offsets => offsets;

    /// <param name="ids">[B, F] int64, each in its own field's vocabulary (not checked here: a larger id reads the next field).</param>
    /// <returns>[B, D]</returns>
    public override Tensor forward(Tensor ids)
    {
        var rows = ids + offsets;
        var found = Rows is { } learned && training && is_grad_enabled() ? learned.LookUp(rows.view(-1)) : table.call(rows);
        return found.view(ids.shape[0], Width);
    }
}
