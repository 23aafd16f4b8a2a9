namespace Pimm.Core.Networks;

/// <summary>Which hidden state of a tower HTLNet hands on.</summary>
public enum HandedLayer
{
    /// <summary>The first hidden layer.</summary>
    First,

    /// <summary>The last hidden layer.</summary>
    Last,
}

/// <summary>
/// Settings of <see cref="HtlnetNetwork"/> (<c>--set key=value</c>). The authors' code is not public; where notes on the paper and
/// the one public re-implementation (EMBER) leave something open or differ, the option says so.
/// </summary>
public sealed record HtlnetOptions
{
    /// <summary>Name of the kind in the catalogue.</summary>
    public const string Kind = "htlnet";

    /// <summary>e, width of an embedding; 8 by default, 1 to 256. EMBER: 10.</summary>
    public int Embedding { get; init; } = 8;

    /// <summary>L, width of a label embedding; 8 by default, as the embeddings, 1 to 256. EMBER: 10.</summary>
    public int LabelEmbedding { get; init; } = 8;

    /// <summary>k, width of what a fusion unit gives; 32 by default, as the towers' last layer, 1 to 4096. EMBER: 128, several times
    /// as slow.</summary>
    public int Fusion { get; init; } = 32;

    /// <summary>Width of each tower layer; [128, 64, 32] by default, at least one, each 1 to 4096.</summary>
    public IReadOnlyList<int> Towers { get; init; } = [128, 64, 32];

    /// <summary>Share of units dropped after each tower layer, 0 to 0.95; .1, .3, .3 by default, as the other networks here.</summary>
    public IReadOnlyList<double> Dropout { get; init; } = [0.1, 0.3, 0.3];

    /// <summary>The hidden layer handed on; the first by default, as EMBER, or the last.</summary>
    public HandedLayer Handed { get; init; } = HandedLayer.First;

    /// <summary>τ of the label embedding while training, 0.01 to 100; 1 by default. It is always 1 otherwise. EMBER lets it fall from
    /// 10 to .5 and draws no noise; the paper's schedule is not public.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Whether the label embeddings are cut from the gradient too and stay as drawn, as in EMBER; no by default.</summary>
    public bool DetachLabelEmbedding { get; init; }

    /// <summary>Whether the gradients of the shared embeddings are adjusted; yes by default. Without it they are added up.</summary>
    public bool Adjust { get; init; } = true;

    /// <summary>a, the part of a conflict with the core task's gradient that is taken away, 0 to 1; 1 by default (EMBER: .5).</summary>
    public double Projection { get; init; } = 1;

    /// <summary>C, bound of the ratio of magnitudes, 1 to 1,000,000; 10 by default, as EMBER.</summary>
    public double Clip { get; init; } = 10;

    /// <summary>γ, how far a gradient is brought to the core task's magnitude, 0 to 1; .1 by default, as EMBER.</summary>
    public double Relax { get; init; } = 0.1;

    /// <summary>Whether the magnitude is measured before the projection, as EMBER does; no by default.</summary>
    public bool NormBefore { get; init; }

    /// <summary>The scale an amount is learned on; standardised by default, or log1p for heavy tails.</summary>
    public AmountScale AmountScale { get; init; } = AmountScale.Standardised;

    /// <summary>Weight of each binary task's loss, 0 to 1000; empty, the default, means 1 each.</summary>
    public IReadOnlyList<double> TaskWeights { get; init; } = [];

    /// <summary>λ of λ/2 · Σ w² over the embeddings, 0 to 1; 3e-3 by default (EMBER: 1e-5 on everything).</summary>
    public double L2 { get; init; } = NetworkObjective.UsualL2;

    /// <summary>What it makes of the network's objective.</summary>
    public NetworkObjective Objective => new(TaskWeights, CalibratorWeight: 0, L2)
    {
        Adjustment = Adjust ? new GradientAdjustment(Projection, Clip, Relax, NormBefore) : null,
        AmountScale = AmountScale,
    };

    /// <exception cref="InputException">A value is out of its bounds or a key is unknown.</exception>
    public static HtlnetOptions From(NetworkSettings settings)
    {
        var usual = new HtlnetOptions();
        var options = new HtlnetOptions
        {
            Embedding = settings.Integer("embedding", usual.Embedding, 1, 256),
            LabelEmbedding = settings.Integer("labelEmbedding", usual.LabelEmbedding, 1, 256),
            Fusion = settings.Integer("fusion", usual.Fusion, 1, 4096),
            Towers = settings.Integers("towers", usual.Towers, 1, 4096),
            Dropout = settings.Numbers("dropout", usual.Dropout, 0, 0.95),
            Handed = settings.Choice("handed", usual.Handed),
            Temperature = settings.Number("temperature", usual.Temperature, 0.01, 100),
            DetachLabelEmbedding = settings.Switch("detachLabelEmbedding", usual.DetachLabelEmbedding),
            Adjust = settings.Switch("adjust", usual.Adjust),
            Projection = settings.Number("projection", usual.Projection, 0, 1),
            Clip = settings.Number("clip", usual.Clip, 1, 1_000_000),
            Relax = settings.Number("relax", usual.Relax, 0, 1),
            NormBefore = settings.Switch("normBefore", usual.NormBefore),
            AmountScale = settings.Choice("amountScale", usual.AmountScale),
            TaskWeights = settings.Numbers("taskWeights", usual.TaskWeights, 0, 1000),
            L2 = settings.Number("l2", usual.L2, 0, 1),
        };
        settings.RefuseUnread();
        return options;
    }
}
