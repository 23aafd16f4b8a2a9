namespace Pimm.Core.Networks;

/// <summary>Settings of <see cref="PleNetwork"/> (<c>--set key=value</c>).</summary>
public sealed record PleOptions
{
    /// <summary>Name of the kind in the catalogue.</summary>
    public const string Kind = "ple";

    /// <summary>e, width of an embedding; 8 by default, 1 to 256.</summary>
    public int Embedding { get; init; } = 8;

    /// <summary>L, extraction levels; 1 by default, which is CGC, 1 to 8. PIMM's paper does not give them.</summary>
    public int Levels { get; init; } = 1;

    /// <summary>m_s, experts of a level shared by all tasks; 2 by default, as PIMM's paper, 1 to 64.</summary>
    public int SharedExperts { get; init; } = 2;

    /// <summary>m_t, experts of a level that belong to one task, for each task; 2 by default, as PIMM's paper, 1 to 64.</summary>
    public int OwnExperts { get; init; } = 2;

    /// <summary>Layers of an expert; [128] by default, each 1 to 4096. PIMM's paper does not give them; with towers
    /// [64, 32] depth and widths equal the other models'.</summary>
    public IReadOnlyList<int> ExpertLayers { get; init; } = [128];

    /// <summary>Layers of each task's tower; [64, 32] by default, each 1 to 4096.</summary>
    public IReadOnlyList<int> Towers { get; init; } = [64, 32];

    /// <summary>Share of units dropped after each layer, an expert's first (the same on every level) and then the towers', 0 to
    /// 0.95; .1, .3, .3 by default.</summary>
    public IReadOnlyList<double> Dropout { get; init; } = [0.1, 0.3, 0.3];

    /// <summary>Weight of each task's loss, 0 to 1000; empty, the default, means 1 each.</summary>
    public IReadOnlyList<double> TaskWeights { get; init; } = [];

    /// <summary>λ of λ/2 · Σ w² over the embeddings, 0 to 1; 3e-3 by default.</summary>
    public double L2 { get; init; } = NetworkObjective.UsualL2;

    /// <exception cref="InputException">A value is out of its bounds or a key is unknown.</exception>
    public static PleOptions From(NetworkSettings settings)
    {
        var usual = new PleOptions();
        var options = new PleOptions
        {
            Embedding = settings.Integer("embedding", usual.Embedding, 1, 256),
            Levels = settings.Integer("levels", usual.Levels, 1, 8),
            SharedExperts = settings.Integer("sharedExperts", usual.SharedExperts, 1, 64),
            OwnExperts = settings.Integer("ownExperts", usual.OwnExperts, 1, 64),
            ExpertLayers = settings.Integers("expertLayers", usual.ExpertLayers, 1, 4096),
            Towers = settings.Integers("towers", usual.Towers, 1, 4096),
            Dropout = settings.Numbers("dropout", usual.Dropout, 0, 0.95),
            TaskWeights = settings.Numbers("taskWeights", usual.TaskWeights, 0, 1000),
            L2 = settings.Number("l2", usual.L2, 0, 1),
        };
        settings.RefuseUnread();
        return options;
    }
}
