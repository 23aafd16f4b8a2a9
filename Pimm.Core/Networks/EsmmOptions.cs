namespace Pimm.Core.Networks;

/// <summary>Settings of <see cref="EsmmNetwork"/> (<c>--set key=value</c>).</summary>
public sealed record EsmmOptions
{
    /// <summary>Name of the kind in the catalogue.</summary>
    public const string Kind = "esmm";

    /// <summary>e, width of an embedding; 8 by default, 1 to 256. The paper: 18.</summary>
    public int Embedding { get; init; } = 8;

    /// <summary>Width of each tower layer; [128, 64, 32] by default, as PIMM's comparison, each 1 to 4096. The paper: [360, 200, 80].</summary>
    public IReadOnlyList<int> Towers { get; init; } = [128, 64, 32];

    /// <summary>Share of units dropped after each tower layer, 0 to 0.95; .1, .3, .3 by default.</summary>
    public IReadOnlyList<double> Dropout { get; init; } = [0.1, 0.3, 0.3];

    /// <summary>Weight of each task's loss, 0 to 1000; empty, the default, means 1 each, as the paper.</summary>
    public IReadOnlyList<double> TaskWeights { get; init; } = [];

    /// <summary>λ of λ/2 · Σ w² over the embeddings, 0 to 1; 3e-3 by default.</summary>
    public double L2 { get; init; } = NetworkObjective.UsualL2;

    /// <exception cref="InputException">A value is out of its bounds or a key is unknown.</exception>
    public static EsmmOptions From(NetworkSettings settings)
    {
        var usual = new EsmmOptions();
        var options = new EsmmOptions
        {
            Embedding = settings.Integer("embedding", usual.Embedding, 1, 256),
            Towers = settings.Integers("towers", usual.Towers, 1, 4096),
            Dropout = settings.Numbers("dropout", usual.Dropout, 0, 0.95),
            TaskWeights = settings.Numbers("taskWeights", usual.TaskWeights, 0, 1000),
            L2 = settings.Number("l2", usual.L2, 0, 1),
        };
        settings.RefuseUnread();
        return options;
    }
}
