namespace Pimm.Core.Networks;

/// <summary>The three readings of TAFE's loss.</summary>
public enum TafeLoss
{
    /// <summary><see cref="StageLoss.Dependence"/> on conditional logits.</summary>
    Dependence,

    /// <summary><see cref="StageLoss.MarginalDependence"/>: the heads are logits of ŷ_t.</summary>
    Marginal,

    /// <summary><see cref="StageLoss.Pairwise"/> on conditional logits.</summary>
    Pairwise,
}

/// <summary>
/// Settings of <see cref="TafeNetwork"/> (<c>--set key=value</c>). Neither equations nor sizes of TAFE are public: all of them are ours.
/// </summary>
public sealed record TafeOptions
{
    /// <summary>Name of the kind in the catalogue.</summary>
    public const string Kind = "tafe";

    /// <summary>e, width of an embedding; 8 by default, 1 to 256.</summary>
    public int Embedding { get; init; } = 8;

    /// <summary>m, experts shared by all tasks; 4 by default, 1 to 64.</summary>
    public int Experts { get; init; } = 4;

    /// <summary>Layers of an expert, the last is h; [128] by default, each 1 to 4096.</summary>
    public IReadOnlyList<int> ExpertLayers { get; init; } = [128];

    /// <summary>ρ, rank of each task's own extraction; 16 by default, 1 to 1024.</summary>
    public int Rank { get; init; } = 16;

    /// <summary>Layers of each task's tower; [64, 32] by default, each 1 to 4096.</summary>
    public IReadOnlyList<int> Towers { get; init; } = [64, 32];

    /// <summary>Share of units dropped after each layer, the experts' first and then the towers', 0 to 0.95; .1, .3, .3 by default. A
    /// task's own extraction has the share of the experts' last layer.</summary>
    public IReadOnlyList<double> Dropout { get; init; } = [0.1, 0.3, 0.3];

    /// <summary>Which loss: dependence by default, marginal or pairwise.</summary>
    public TafeLoss Loss { get; init; } = TafeLoss.Dependence;

    /// <summary>λ_e, weight of the cross entropies over all impressions beside it, 0 to 100; 0 by default.</summary>
    public double Lambda { get; init; }

    /// <summary>Weight of AITM's calibrator beside the marginal loss, 0 to 100; .6 by default, AITM's. The two other losses keep the
    /// order by construction and have no use for it.</summary>
    public double CalibratorWeight { get; init; } = 0.6;

    /// <summary>Weight of each task's part of the loss, 0 to 1000; empty, the default, means 1 each. The marginal loss has no such parts.</summary>
    public IReadOnlyList<double> TaskWeights { get; init; } = [];

    /// <summary>λ of λ/2 · Σ w² over the embeddings, 0 to 1; 3e-3 by default.</summary>
    public double L2 { get; init; } = NetworkObjective.UsualL2;

    /// <summary>What it makes of the network's objective.</summary>
    public NetworkObjective Objective => new(TaskWeights, Loss == TafeLoss.Marginal ? CalibratorWeight : 0, L2)
    {
        Loss = Loss switch
        {
            TafeLoss.Marginal => StageLoss.MarginalDependence,
            TafeLoss.Pairwise => StageLoss.Pairwise,
            _ => StageLoss.Dependence,
        },
        EntireSpaceWeight = Lambda,
    };

    /// <exception cref="InputException">A value is out of its bounds or a key is unknown.</exception>
    public static TafeOptions From(NetworkSettings settings)
    {
        var usual = new TafeOptions();
        var options = new TafeOptions
        {
            Embedding = settings.Integer("embedding", usual.Embedding, 1, 256),
            Experts = settings.Integer("experts", usual.Experts, 1, 64),
            ExpertLayers = settings.Integers("expertLayers", usual.ExpertLayers, 1, 4096),
            Rank = settings.Integer("rank", usual.Rank, 1, 1024),
            Towers = settings.Integers("towers", usual.Towers, 1, 4096),
            Dropout = settings.Numbers("dropout", usual.Dropout, 0, 0.95),
            Loss = settings.Choice("loss", usual.Loss),
            Lambda = settings.Number("lambda", usual.Lambda, 0, 100),
            CalibratorWeight = settings.Number("calibratorWeight", usual.CalibratorWeight, 0, 100),
            TaskWeights = settings.Numbers("taskWeights", usual.TaskWeights, 0, 1000),
            L2 = settings.Number("l2", usual.L2, 0, 1),
        };
        settings.RefuseUnread();
        return options is { Loss: TafeLoss.Marginal, TaskWeights.Count: > 0 }
            ? throw new InputException($"loss=marginal of the model '{Kind}' is one likelihood of the stage where a row stopped and has no weights of tasks; leave taskWeights out or choose loss=dependence.")
            : options;
    }
}
