namespace Pimm.Core.Networks;

/// <summary>
/// Settings of <see cref="PimmNetwork"/> (<c>--set key=value</c>, keys in camelCase as the names here). Where the paper leaves
/// something open, the option names the point (A1 … A13), the default is our reading, and every value is stored with the run.
/// Points without an option: A11, tasks are 0 … T−1 and labels aligned with them; A12, the attention weights are a softmax over
/// the two vectors; A13, the draws between label and prediction come from a seeded stream of their own, apart from dropout and
/// shuffling.
/// </summary>
public sealed record PimmOptions
{
    /// <summary>Name of the kind in the catalogue.</summary>
    public const string Kind = "pimm";

    /// <summary>e, width of an embedding; 8 by default, 1 to 256. The paper: 5 on Ali-CCP, 24 in production.</summary>
    public int Embedding { get; init; } = 8;

    /// <summary>Width of each tower layer, the last is d; [128, 64, 32] by default, each 1 to 4096. Production: [256, 128, 64].</summary>
    public IReadOnlyList<int> Towers { get; init; } = [128, 64, 32];

    /// <summary>Share of units dropped after each tower layer, 0 to 0.95; .1, .3, .3 by default (A10, AITM's keep .9, .7, .7).</summary>
    public IReadOnlyList<double> Dropout { get; init; } = [0.1, 0.3, 0.3];

    /// <summary>Share of units dropped in the transfer layer, 0 to 0.95; by default that of the last tower layer, as AITM's code (A10).</summary>
    public double TransferDropout { get; init; } = 0.3;

    /// <summary>Whether the stage before is handed over as premise Z; yes by default. Without it nothing of y* is used, Zm = H, and
    /// there is no curriculum: the paper's ablation.</summary>
    public bool Premise { get; init; } = true;

    /// <summary>Whether the stage before is handed over as representation H; yes by default. Without it Zm = Z. Without premise and H
    /// there is nothing to attend to but the task's own tower: U_t = v_t + AIT(v_t, 0).</summary>
    public bool Implicit { get; init; } = true;

    /// <summary>σ of equation 5 (A1); sigmoid by default.</summary>
    public PremiseActivation PremiseActivation { get; init; } = PremiseActivation.Sigmoid;

    /// <summary>Whether equation 5 has a bias (A2); no by default.</summary>
    public bool PremiseBias { get; init; }

    /// <summary>The fully connected layer of H (A3); Linear → ReLU → Dropout by default.</summary>
    public TransferLayer TransferLayer { get; init; } = TransferLayer.Relu;

    /// <summary>Whether all transfers share one set of W_Q, W_K, W_V (A4); by default each has its own.</summary>
    public bool SharedAttention { get; init; }

    /// <summary>Whether p falls by epoch or by step (A5), how often it is drawn (A6), α, S and β; by default the production
    /// setting 2/3, 1/3, 0, because a floor above 0 shrinks the probabilities of later stages.</summary>
    public PremiseCurriculum Curriculum { get; init; } =
        new(Alpha: 2.0 / 3, Step: 1.0 / 3, Floor: 0, CurriculumClock.Epoch, PremiseDraw.PerPremise);

    /// <summary>Whether H too is cut from the gradient (A7); no by default: only y* is.</summary>
    public bool DetachImplicit { get; init; }

    /// <summary>Weight of each task's loss, 0 to 1000 (A8); empty, the default, means 1 each.</summary>
    public IReadOnlyList<double> TaskWeights { get; init; } = [];

    /// <summary>Weight of AITM's calibrator max(ŷ_t − ŷ_{t−1}, 0), 0 to 100 (A8); 0 by default, PIMM does not mention it.</summary>
    public double CalibratorWeight { get; init; }

    /// <summary>How the premise's weight starts (A9); Glorot by default.</summary>
    public PremiseStart PremiseStart { get; init; } = PremiseStart.Glorot;

    /// <summary>λ of λ/2 · Σ w² over the embeddings, 0 to 1; 3e-3 by default (A10; AITM's code: 1e-6).</summary>
    public double L2 { get; init; } = NetworkObjective.UsualL2;

    /// <summary>λ of λ/2 · Σ w² over the attention matrices, 0 to 1; 1e-6 by default, as AITM's code.</summary>
    public double AttentionL2 { get; init; } = NetworkObjective.UsualAttentionL2;

    /// <exception cref="InputException">A value is out of its bounds or a key is unknown.</exception>
    public static PimmOptions From(NetworkSettings settings)
    {
        var usual = new PimmOptions();
        var dropout = settings.Numbers("dropout", usual.Dropout, 0, 0.95);
        var options = new PimmOptions
        {
            Embedding = settings.Integer("embedding", usual.Embedding, 1, 256),
            Towers = settings.Integers("towers", usual.Towers, 1, 4096),
            Dropout = dropout,
            TransferDropout = settings.Number("transferDropout", dropout.Count == 0 ? 0 : dropout[^1], 0, 0.95),
            Premise = settings.Switch("premise", usual.Premise),
            Implicit = settings.Switch("implicit", usual.Implicit),
            PremiseActivation = settings.Choice("premiseActivation", usual.PremiseActivation),
            PremiseBias = settings.Switch("premiseBias", usual.PremiseBias),
            TransferLayer = settings.Choice("transferLayer", usual.TransferLayer),
            SharedAttention = settings.Switch("sharedAttention", usual.SharedAttention),
            Curriculum = CurriculumFrom(settings, usual.Curriculum),
            DetachImplicit = settings.Switch("detachImplicit", usual.DetachImplicit),
            TaskWeights = settings.Numbers("taskWeights", usual.TaskWeights, 0, 1000),
            CalibratorWeight = settings.Number("calibratorWeight", usual.CalibratorWeight, 0, 100),
            PremiseStart = settings.Choice("premiseStart", usual.PremiseStart),
            L2 = settings.Number("l2", usual.L2, 0, 1),
            AttentionL2 = settings.Number("attentionL2", usual.AttentionL2, 0, 1),
        };
        settings.RefuseUnread();
        return options;
    }

    private static PremiseCurriculum CurriculumFrom(NetworkSettings settings, PremiseCurriculum usual)
    {
        var alpha = settings.Number("alpha", usual.Alpha, 0, 1);
        var step = settings.Number("step", usual.Step, 0, 1);
        var floor = settings.Number("floor", Math.Min(usual.Floor, alpha), 0, 1);
        return floor <= alpha
            ? new(alpha, step, floor, settings.Choice("clock", usual.Clock), settings.Choice("draw", usual.Draw))
            : throw new InputException(FormattableString.Invariant(
                $"The curriculum's floor {floor} is above its alpha {alpha}; p falls from alpha to floor, so floor must not be larger."));
    }
}
