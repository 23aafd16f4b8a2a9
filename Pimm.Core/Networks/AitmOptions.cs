namespace Pimm.Core.Networks;

/// <summary>Settings of <see cref="AitmNetwork"/> (<c>--set key=value</c>).</summary>
public sealed record AitmOptions
{
    /// <summary>Name of the kind in the catalogue.</summary>
    public const string Kind = "aitm";

    /// <summary>e, width of an embedding; 8 by default, 1 to 256. AITM's code: 5 on Ali-CCP.</summary>
    public int Embedding { get; init; } = 8;

    /// <summary>Width of each tower layer, the last is d; [128, 64, 32] by default, as AITM's code, each 1 to 4096.</summary>
    public IReadOnlyList<int> Towers { get; init; } = [128, 64, 32];

    /// <summary>Share of units dropped after each tower layer, 0 to 0.95; .1, .3, .3 by default (AITM's keep .9, .7, .7).</summary>
    public IReadOnlyList<double> Dropout { get; init; } = [0.1, 0.3, 0.3];

    /// <summary>Share of units dropped in the transfer layer, 0 to 0.95; by default that of the last tower layer, as AITM's code.</summary>
    public double TransferDropout { get; init; } = 0.3;

    /// <summary>Whether all transfers share one set of W_Q, W_K, W_V; yes by default, as AITM's script for more than two tasks.
    /// With two tasks there is one transfer and no difference.</summary>
    public bool SharedAttention { get; init; } = true;

    /// <summary>α, weight of the calibrator max(ŷ_t − ŷ_{t−1}, 0), 0 to 100; .6 by default, AITM's on Ali-CCP (its script for four
    /// tasks: .3).</summary>
    public double CalibratorWeight { get; init; } = 0.6;

    /// <summary>Weight of each task's loss, 0 to 1000; empty, the default, means 1 each.</summary>
    public IReadOnlyList<double> TaskWeights { get; init; } = [];

    /// <summary>λ of λ/2 · Σ w² over the embeddings, 0 to 1; 3e-3 by default (AITM's code: 1e-6).</summary>
    public double L2 { get; init; } = NetworkObjective.UsualL2;

    /// <summary>λ of λ/2 · Σ w² over the attention matrices, 0 to 1; 1e-6 by default, as AITM's code.</summary>
    public double AttentionL2 { get; init; } = NetworkObjective.UsualAttentionL2;

    /// <exception cref="InputException">A value is out of its bounds or a key is unknown.</exception>
    public static AitmOptions From(NetworkSettings settings)
    {
        var usual = new AitmOptions();
        var dropout = settings.Numbers("dropout", usual.Dropout, 0, 0.95);
        var options = new AitmOptions
        {
            Embedding = settings.Integer("embedding", usual.Embedding, 1, 256),
            Towers = settings.Integers("towers", usual.Towers, 1, 4096),
            Dropout = dropout,
            TransferDropout = settings.Number("transferDropout", dropout.Count == 0 ? 0 : dropout[^1], 0, 0.95),
            SharedAttention = settings.Switch("sharedAttention", usual.SharedAttention),
            CalibratorWeight = settings.Number("calibratorWeight", usual.CalibratorWeight, 0, 100),
            TaskWeights = settings.Numbers("taskWeights", usual.TaskWeights, 0, 1000),
            L2 = settings.Number("l2", usual.L2, 0, 1),
            AttentionL2 = settings.Number("attentionL2", usual.AttentionL2, 0, 1),
        };
        settings.RefuseUnread();
        return options;
    }
}
