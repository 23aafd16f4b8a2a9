using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Networks;

/// <summary>
/// MNCM, the multi-level network cascades model (CIKM'22), our reading of its abstract and of PIMM's paper, for neither equations
/// nor code are public: experts of a task's own and shared ones; information is handed down the funnel between the tasks' own
/// experts (EITM) and again between their towers (TITM), both times as AITM does.
/// <code>
/// E_{t,i}(x), S_j(x)                              x [B, D] shared embeddings, E [T·n, B, h], S [m, B, h]
/// e_{0,i} = E_{0,i};  e_{t,i} = Attention_E(E_{t,i}, Dropout(ReLU(e_{t−1,i} A_{t,i} + a_{t,i})))
/// f_t = softmax(x W_t) · [e_{t,1..n} ; S_{1..m}]
/// q_t = Tower_t(f_t)                              q [T, B, d]
/// z_0 = q_0;  z_t = Attention_T(q_t, Dropout(ReLU(z_{t−1} A_t + a_t)))
/// ŷ_t = sigmoid(z_t · w_t + b_t)
/// </code>
/// Loss as AITM's, the calibrator included. <see cref="MncmOptions"/> lists what is open.
/// </summary>
public sealed class MncmNetwork : MultiTaskNetwork
{
    private readonly EmbeddingTable embeddings;
    private readonly TowerBank ownExperts;
    private readonly TowerBank sharedExperts;
    private readonly TransferChain expertChain;
    private readonly ExpertGate gate;
    private readonly TowerBank towers;
    private readonly TransferChain towerChain;
    private readonly TaskHeads heads;

    public MncmNetwork(NetworkShape shape, MncmOptions options)
        : base(MncmOptions.Kind, shape, new(options.TaskWeights, options.CalibratorWeight, options.L2) { AttentionL2 = options.AttentionL2 })
    {
        var (expertDropout, towerDropout) = DropoutShares.Cut(options.Dropout, options.ExpertLayers, options.Towers, "experts and towers");
        var (tasks, own) = (shape.Tasks, options.OwnExperts);
        embeddings = new EmbeddingTable(shape.VocabularySizes, options.Embedding);
        ownExperts = new TowerBank(tasks * own, embeddings.Width, options.ExpertLayers, expertDropout);
        sharedExperts = new TowerBank(options.SharedExperts, embeddings.Width, options.ExpertLayers, expertDropout);
        expertChain = new TransferChain(
            tasks, own, ownExperts.OutputWidth, options.TransferDropout, options.SharedAttention, options.ExpertResidual);
        gate = new ExpertGate(tasks, embeddings.Width, options.SharedExperts, own);
        towers = new TowerBank(tasks, 1, ownExperts.OutputWidth, options.Towers, towerDropout);
        towerChain = new TransferChain(tasks, lanes: 1, towers.OutputWidth, options.TransferDropout, options.SharedAttention);
        heads = new TaskHeads(tasks, towers.OutputWidth);
        register_module("embeddings", embeddings);
        register_module("ownExperts", ownExperts);
        register_module("sharedExperts", sharedExperts);
        register_module("expertChain", expertChain);
        register_module("gate", gate);
        register_module("towers", towers);
        register_module("towerChain", towerChain);
        register_module("heads", heads);
    }

    public override IReadOnlyList<Parameter> Regularised => [embeddings.Weight];

    public override IReadOnlyList<Parameter> Attention => [.. expertChain.AttentionWeights, .. towerChain.AttentionWeights];

    public override Tensor forward(Tensor ids, Premise? premise)
    {
        var input = embeddings.call(ids);                                   // [B, D]
        var own = expertChain.call(ownExperts.call(input));                 // [T·n, B, h]
        var mixed = gate.call(input, sharedExperts.call(input), own);       // [T, B, h]
        return heads.call(towerChain.call(towers.call(mixed)));
    }
}
