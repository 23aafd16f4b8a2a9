namespace Pimm.Core.Networks;

/// <summary>
/// Settings of <see cref="MncmNetwork"/> (<c>--set key=value</c>). Only the paper's abstract and what PIMM's paper says of it are
/// public; what both leave open is an option here.
/// </summary>
public sealed record MncmOptions
{
    /// <summary>Name of the kind in the catalogue.</summary>
    public const string Kind = "mncm";

    /// <summary>e, width of an embedding; 8 by default, 1 to 256.</summary>
    public int Embedding { get; init; } = 8;

    /// <summary>m, experts shared by all tasks; 2 by default, as PIMM's paper, 1 to 64.</summary>
    public int SharedExperts { get; init; } = 2;

    /// <summary>n, experts of each task's own; 2 by default, as PIMM's paper, 1 to 64.</summary>
    public int OwnExperts { get; init; } = 2;

    /// <summary>Layers of an expert, the last is h; [128] by default, each 1 to 4096 (open in the paper).</summary>
    public IReadOnlyList<int> ExpertLayers { get; init; } = [128];

    /// <summary>Layers of each task's tower, the last is d; [64, 32] by default, each 1 to 4096 (open in the paper).</summary>
    public IReadOnlyList<int> Towers { get; init; } = [64, 32];

    /// <summary>Share of units dropped after each layer, the experts' first and then the towers', 0 to 0.95; .1, .3, .3 by default.</summary>
    public IReadOnlyList<double> Dropout { get; init; } = [0.1, 0.3, 0.3];

    /// <summary>Share of units dropped in both kinds of transfer layer, 0 to 0.95; by default that of the last tower layer, as AITM.</summary>
    public double TransferDropout { get; init; } = 0.3;

    /// <summary>Whether all transfers of a kind share one set of W_Q, W_K, W_V (open in the paper); by default each has its own. The
    /// n experts of a transfer always share one.</summary>
    public bool SharedAttention { get; init; }

    /// <summary>Whether an expert's own output is added to what its attention gives (open in the paper); no by default. W_V starts
    /// near 0, so without it the later tasks' own experts start near 0.</summary>
    public bool ExpertResidual { get; init; }

    /// <summary>α, weight of AITM's calibrator, 0 to 100 (open in the paper); .6 by default, as AITM, 0 leaves it out.</summary>
    public double CalibratorWeight { get; init; } = 0.6;

    /// <summary>Weight of each task's loss, 0 to 1000; empty, the default, means 1 each.</summary>
    public IReadOnlyList<double> TaskWeights { get; init; } = [];

    /// <summary>λ of λ/2 · Σ w² over the embeddings, 0 to 1; 3e-3 by default (AITM's code: 1e-6).</summary>
    public double L2 { get; init; } = NetworkObjective.UsualL2;

    /// <summary>λ of λ/2 · Σ w² over the attention matrices, 0 to 1; 1e-6 by default, as AITM's code.</summary>
    public double AttentionL2 { get; init; } = NetworkObjective.UsualAttentionL2;

    /// <exception cref="InputException">A value is out of its bounds or a key is unknown.</exception>
    public static MncmOptions From(NetworkSettings settings)
    {
        var usual = new MncmOptions();
        var dropout = settings.Numbers("dropout", usual.Dropout, 0, 0.95);
        var options = new MncmOptions
        {
            Embedding = settings.Integer("embedding", usual.Embedding, 1, 256),
            SharedExperts = settings.Integer("sharedExperts", usual.SharedExperts, 1, 64),
            OwnExperts = settings.Integer("ownExperts", usual.OwnExperts, 1, 64),
            ExpertLayers = settings.Integers("expertLayers", usual.ExpertLayers, 1, 4096),
            Towers = settings.Integers("towers", usual.Towers, 1, 4096),
            Dropout = dropout,
            TransferDropout = settings.Number("transferDropout", dropout.Count == 0 ? 0 : dropout[^1], 0, 0.95),
            SharedAttention = settings.Switch("sharedAttention", usual.SharedAttention),
            ExpertResidual = settings.Switch("expertResidual", usual.ExpertResidual),
            CalibratorWeight = settings.Number("calibratorWeight", usual.CalibratorWeight, 0, 100),
            TaskWeights = settings.Numbers("taskWeights", usual.TaskWeights, 0, 1000),
            L2 = settings.Number("l2", usual.L2, 0, 1),
            AttentionL2 = settings.Number("attentionL2", usual.AttentionL2, 0, 1),
        };
        settings.RefuseUnread();
        return options;
    }
}
